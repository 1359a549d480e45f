export { IdePage } from "./IdePage";
