export { ExampleRows } from "./ExampleRows";
export { isNamedAs } from "./useExamples";
