// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const RestoreDialog = later(async () => (await import("./RestoreDialog")).RestoreDialog);
export const KeyDialog = later(async () => (await import("./KeyDialog")).KeyDialog);
export const ScheduleDialog = later(async () => (await import("./ScheduleDialog")).ScheduleDialog);
export const NoteDialog = later(async () => (await import("./NoteDialog")).NoteDialog);
