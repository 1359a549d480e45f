// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const Steps = later(async () => (await import("./Steps")).Steps);
