// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const NewProjectDialog = later(async () => (await import("./repository")).NewProjectDialog);
export const Whence = later(async () => (await import("./repository")).Whence);
export const MergeDialog = later(async () => (await import("./MergeDialog")).MergeDialog);
