export { ExplainDialog, PermissionsDialog, PresetsDialog, SeveralDialog } from "./later";
export { WhoButton } from "./WhoButton";
