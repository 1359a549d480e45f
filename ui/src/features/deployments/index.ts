export { DeploymentList, DeploymentRows, NothingDeployed, useRollBack } from "./DeploymentList";
export { DeploymentView } from "./DeploymentView";
