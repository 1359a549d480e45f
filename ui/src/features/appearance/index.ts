export { AppearancePage } from "./AppearancePage";
