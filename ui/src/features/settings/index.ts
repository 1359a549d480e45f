export { AccountSettingsPage, WorkspaceSettingsPage } from "./pages";
