export { InstancePage, InstancesPage } from "./pages";
