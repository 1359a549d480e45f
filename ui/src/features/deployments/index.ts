export { DeploymentPage } from "./pages";
