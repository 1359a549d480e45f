export { HomePage, MyWorkspaces, MyWorkspacesPage } from "./MyWorkspaces";
