// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const ChangeRole = later(async () => (await import("./ChangeMember")).ChangeRole);
export const RemoveMember = later(async () => (await import("./ChangeMember")).RemoveMember);
export const InviteDialog = later(async () => (await import("./InviteDialog")).InviteDialog);
