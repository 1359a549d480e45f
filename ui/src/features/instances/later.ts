// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const NewInstanceDialog = later(async () => (await import("./NewInstance")).NewInstanceDialog);
