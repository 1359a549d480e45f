// What jobs are called, and their steps.

import type { Instance, Job } from "@/api/nouns";

const KINDS: Record<string, string> = {
  deploy: "Deploying",
  start: "Starting",
  stop: "Stopping",
  restart: "Restarting",
  restart_soft: "Restarting",
  restart_hard: "Restarting",
  backup: "Backing up",
  restore: "Restoring",
  delete: "Deleting",
};

export function jobWord(job: Pick<Job, "kind">): string {
  return KINDS[job.kind] ?? job.kind.replaceAll("_", " ");
}

export const STEPS: Record<string, string> = {
  queued: "Beginning",
  bring: "Fetching the commit",
  fetch: "Fetching the commit",
  read: "Reading stoa.toml",
  build: "Building",
  store: "Storing the build",
  database: "Preparing the database",
  release: "Running the release commands",
  restart: "Restarting the processes",
  stop: "Stopping the processes",
  start: "Starting the processes",
  health: "Waiting for the health check",
  switch: "Switching to the new release",
  settle: "Settling",
  repository: "Opening the backup's repository",
  verify: "Reading back what was stored",
  restore: "Bringing the backup back",
  check: "Comparing every file with the backup",
  delete: "Removing what it left",
};

/** What the same steps are where it is data that is stored, not a release. */
const OF_BACKUP: Record<string, string> = { database: "Copying the database", store: "Storing the data" };

export function stepWord(job: Pick<Job, "kind" | "step">): string {
  const isBackup = job.kind === "backup" || job.kind === "delete";
  const own = isBackup ? OF_BACKUP[job.step] : undefined;
  return own ?? STEPS[job.step] ?? (job.step ? job.step.replaceAll("_", " ") : "Beginning");
}

/** What starts or ends an instance's processes without a status of its own. */
const WORKS: readonly string[] = ["start", "stop", "restart_soft", "restart_hard"];

/**
 * How an instance is, for a badge. A restore is a deployment with a word of its own; what is being started, restarted or
 * stopped isn't as it was before; and while nobody can ask its server, nobody knows how it is.
 */
export function stateOf(instance: Pick<Instance, "status" | "job" | "is_server_away">): {
  status: string;
  word?: string;
} {
  const { status, job } = instance;
  if (instance.is_server_away) return { status: "away", word: "Server not reached" };
  if (job?.status === "running" && WORKS.includes(job.kind)) return { status: "working", word: jobWord(job) };
  return status === "deploying" && job?.kind === "restore" ? { status, word: jobWord(job) } : { status };
}
