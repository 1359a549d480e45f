export { LogPage } from "./LogPage";
export { LogView } from "./LogView";
