export { InstancePage } from "./InstancePage";
export { InstancesPage } from "./InstancesPage";
export { NewInstanceDialog } from "./NewInstance";
export { Tabs } from "./Tabs";
