export { ExampleRows } from "./ExampleRows";
export { foremost } from "./foremost";
export { isNamedAs } from "./useExamples";
