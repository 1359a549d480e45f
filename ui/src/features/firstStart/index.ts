export { FirstStartPage } from "./FirstStartPage";
