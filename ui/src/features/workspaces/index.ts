export { HomePage, MyWorkspacesPage } from "./pages";
