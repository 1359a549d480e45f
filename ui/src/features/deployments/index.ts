export { DeploymentList, DeploymentRows } from "./DeploymentList";
export { DeploymentView } from "./DeploymentView";
