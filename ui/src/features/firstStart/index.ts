export { FirstStartPage } from "./FirstStartPage";
export { Steps } from "./Steps";
