// Dialogs of this feature, loaded when they are first opened.

import { later } from "@/kit";

export const ExplainDialog = later(async () => (await import("./ExplainDialog")).ExplainDialog);
export const MissingDialog = later(async () => (await import("./MissingDialog")).MissingDialog);
export const PresetsDialog = later(async () => (await import("./PresetsDialog")).PresetsDialog);
export const SeveralDialog = later(async () => (await import("./SeveralDialog")).SeveralDialog);
export const PermissionsDialog = later(async () => (await import("./PermissionsDialog")).PermissionsDialog);
