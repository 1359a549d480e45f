export { FirstStartPage } from "./pages";
