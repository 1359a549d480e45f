// What is asked of backups. They are asked anew with what is deployed: by the same events.

import { type Backup, listBackups, listBackupsOfDeleted, viewBackupSchedule } from "@/api/generated";
import { useObject, usePages } from "@/api/queries";

/** Their nouns: what is refreshed when something was done to backups. */
export const AFTER = ["deployments", "instances", "jobs"] as const;

export const useBackups = (workspace: string, instance: string) =>
  usePages<Backup>(workspace, "deployments", [instance, "backups"], (page, init) =>
    listBackups(workspace, instance, page, init),
  );

export const useBackupsOfDeleted = (workspace: string) =>
  usePages<Backup>(workspace, "instances", ["backups", "deleted"], (page, init) =>
    listBackupsOfDeleted(workspace, { deleted: true, ...page }, init),
  );

export const useSchedule = (workspace: string, instance: string) =>
  useObject(workspace, "deployments", `/instances/${instance}/backup-schedule`, (init) =>
    viewBackupSchedule(workspace, instance, init),
  );
