export { ProjectPage, ProjectsPage } from "./pages";
