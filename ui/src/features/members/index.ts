export { MembersPage } from "./pages";
