// Loaded when it is first opened.

import { later } from "@/kit";

export const ConnectDialog = later(async () => (await import("./ConnectDialog")).ConnectDialog);
