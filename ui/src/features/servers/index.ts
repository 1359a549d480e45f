export { AddServerDialog } from "./AddServer";
export { Load, loadOf, serverState } from "./Load";
export { ServerPage } from "./ServerPage";
export { ServersPage } from "./ServersPage";
