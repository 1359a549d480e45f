// Dialogs of this feature, loaded when they are first opened; and what stands below its list.

import { later } from "@/kit";

export const NewInstanceDialog = later(async () => (await import("./NewInstance")).NewInstanceDialog);
export const ShareDialog = later(async () => (await import("@/features/permissions/ShareDialog")).ShareDialog);
export const DeletedBackups = later(async () => (await import("@/features/backups/DeletedBackups")).DeletedBackups);
