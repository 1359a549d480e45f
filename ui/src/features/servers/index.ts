export { Load, loadOf, serverState } from "./Load";
export { AddServerDialog } from "./later";
export { ServerPage } from "./ServerPage";
export { ServersPage } from "./ServersPage";
