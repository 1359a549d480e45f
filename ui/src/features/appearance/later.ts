// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const CropDialog = later(async () => (await import("./CropDialog")).CropDialog);
