export { DeploymentList, DeploymentRows, useRollBack } from "./DeploymentList";
export { DeploymentView } from "./DeploymentView";
