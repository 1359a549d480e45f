export { ServerPage, ServersPage } from "./pages";
