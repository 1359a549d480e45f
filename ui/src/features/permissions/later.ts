// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const ExplainDialog = later(async () => (await import("./ExplainDialog")).ExplainDialog);
export const PermissionsDialog = later(async () => (await import("./PermissionsDialog")).PermissionsDialog);
