export { AccountSettingsPage, WorkspaceSettingsPage } from "./SettingsPages";
