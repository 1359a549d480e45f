export { ExplainDialog } from "./ExplainDialog";
export { PermissionsDialog } from "./PermissionsDialog";
