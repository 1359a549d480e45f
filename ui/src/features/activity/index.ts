export { ActivityPage } from "./pages";
