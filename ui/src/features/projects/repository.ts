// What is shown and asked about a project's repository, hosted or elsewhere. One part of the page, loaded when first needed.

export { CloneButton } from "./CloneButton";
export { ConnectForm } from "./ConnectForm";
export { NewProjectDialog } from "./NewProject";
export { ProjectSettings } from "./ProjectSettings";
export { RemoteKey } from "./RemoteKey";
export { RemoteState } from "./RemoteState";
export { Whence } from "./Whence";
