export { InstancePage } from "./InstancePage";
export { InstancesPage } from "./InstancesPage";
export { InstanceTable } from "./InstanceTable";
export { NewInstanceDialog } from "./later";
