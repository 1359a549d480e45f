export { ExplainDialog, PermissionsDialog } from "./later";
