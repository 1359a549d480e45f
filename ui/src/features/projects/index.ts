export { HowToPush } from "./HowToPush";
export { NewProjectDialog } from "./NewProject";
export { ProjectPage } from "./ProjectPage";
export { ProjectsPage } from "./ProjectsPage";
