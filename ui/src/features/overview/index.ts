export { OverviewPage } from "./pages";
