// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const AddServerDialog = later(async () => (await import("./AddServer")).AddServerDialog);
export const JoinCommand = later(async () => (await import("./JoinCommand")).JoinCommand);
export const RenameServer = later(async () => (await import("./RenameServer")).RenameServer);
