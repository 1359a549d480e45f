export { AdministrationPage } from "./AdministrationPage";
