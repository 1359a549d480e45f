export { AddServerDialog } from "./AddServer";
export { Load } from "./Load";
export { ServerPage } from "./ServerPage";
export { ServersPage } from "./ServersPage";
