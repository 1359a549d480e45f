export { HowToPush } from "./HowToPush";
export { NewProjectDialog } from "./later";
export { ProjectPage } from "./ProjectPage";
export { ProjectsPage } from "./ProjectsPage";
