export { DeploymentList, DeploymentRow } from "./DeploymentList";
export { DeploymentPage } from "./DeploymentPage";
