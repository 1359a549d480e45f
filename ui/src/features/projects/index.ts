export { HowToPush } from "./HowToPush";
export { MergeDialog, NewProjectDialog } from "./later";
export { ProjectPage } from "./ProjectPage";
export { ProjectsPage } from "./ProjectsPage";
