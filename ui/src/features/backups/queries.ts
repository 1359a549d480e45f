// What is asked of backups. They are asked anew with what is deployed: by the same events.

import { useQueries } from "@tanstack/react-query";
import {
  type Backup,
  type Job,
  listBackups,
  listBackupsOfDeleted,
  listJobs,
  viewBackupSchedule,
} from "@/api/generated";
import { useAllInstances, useObject, usePages } from "@/api/queries";

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

/** So many instances of a project are asked for their newest backups. */
const ASKED = 20;
const OF_EACH = 10;

/**
 * What a new instance of a project can be made of, newest first; those of deleted instances among them, and of projects
 * that are deleted. For owners.
 */
export function useBackupsOfProject(workspace: string, project: string): Backup[] {
  const isAsked = project !== "";
  const instances = useAllInstances(workspace, { project }, isAsked);
  const mine = isAsked ? (instances.data ?? []).filter(({ may }) => may.includes("backup")) : [];
  const deleted = usePages<Backup>(
    workspace,
    "instances",
    ["backups", "deleted"],
    (page, init) => listBackupsOfDeleted(workspace, { deleted: true, ...page }, init),
    isAsked,
  );
  const left = (deleted.items ?? []).filter((one) => isAsked && (one.project.id === project || one.project.is_deleted));
  return useQueries({
    queries: mine.slice(0, ASKED).map(({ id }) => ({
      queryKey: [workspace, "deployments", "backups", "newest", id],
      queryFn: ({ signal }: { signal: AbortSignal }) => listBackups(workspace, id, { limit: OF_EACH }, { signal }),
    })),
    combine: (found) =>
      [...found.flatMap(({ data }) => data?.items ?? []), ...left]
        .filter(({ status, is_reachable }) => status === "ready" && is_reachable)
        .sort((one, other) => other.created_at.localeCompare(one.created_at)),
  });
}

/** So far back a restore is looked for among what else was done. */
const JOBS_ASKED = 200;

/** The newest restore into an instance, however it ended. */
export const useLastRestore = (workspace: string, instance: string): Job | undefined =>
  usePages<Job>(workspace, "jobs", [instance, "restores"], (page, init) =>
    listJobs(workspace, { instance, limit: JOBS_ASKED, ...page }, init),
  ).items?.find(({ kind }) => kind === "restore");

export const useSchedule = (workspace: string, instance: string) =>
  useObject(workspace, "deployments", `/instances/${instance}/backup-schedule`, (init) =>
    viewBackupSchedule(workspace, instance, init),
  );
