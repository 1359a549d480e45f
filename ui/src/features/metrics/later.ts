// Charts are loaded where they are first shown.

import { later } from "@/kit";

export const InstanceMetrics = later(async () => (await import("./InstanceMetrics")).InstanceMetrics);
export const InstancesByLoad = later(async () => (await import("./InstancesByLoad")).InstancesByLoad);
export const LoadLine = later(async () => (await import("./LoadLine")).LoadLine);
export const ServerMetrics = later(async () => (await import("./ServerMetrics")).ServerMetrics);
