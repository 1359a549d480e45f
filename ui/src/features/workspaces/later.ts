// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const CreateWorkspaceDialog = later(async () => (await import("./CreateWorkspaceDialog")).CreateWorkspaceDialog);
export const LeaveDialog = later(async () => (await import("./LeaveDialog")).LeaveDialog);
