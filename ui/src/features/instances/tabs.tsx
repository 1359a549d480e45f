// The tabs of an instance, each loaded when it is first opened.

import { LoadingRows, later } from "@/kit";

const rows = <LoadingRows />;

export const BackupsTab = later(async () => (await import("@/features/backups/BackupsTab")).BackupsTab, rows);
export const DeploymentList = later(
  async () => (await import("@/features/deployments/DeploymentList")).DeploymentList,
  rows,
);
export const DeploymentView = later(
  async () => (await import("@/features/deployments/DeploymentView")).DeploymentView,
  rows,
);
export const IdePage = later(async () => (await import("@/features/ide/IdePage")).IdePage);
export const InstanceOverview = later(async () => (await import("./InstanceOverview")).InstanceOverview, rows);
export const LogPage = later(async () => (await import("@/features/logs/LogPage")).LogPage);
export const SettingsTab = later(async () => (await import("./settings/SettingsTab")).SettingsTab, rows);
