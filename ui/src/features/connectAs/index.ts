export { ConnectDialog } from "./later";
