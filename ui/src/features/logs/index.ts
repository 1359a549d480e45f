export { LogPage } from "./LogPage";
export { LogView } from "./LogView";
export { wishOf } from "./stretch";
