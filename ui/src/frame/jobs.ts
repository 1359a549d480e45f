// What jobs are called, and their steps.

import type { Job } from "@/api/nouns";

const KINDS: Record<string, string> = {
  deploy: "Deploying",
  start: "Starting",
  stop: "Stopping",
  restart: "Restarting",
  restart_soft: "Restarting",
  restart_hard: "Restarting",
  delete: "Deleting",
};

export function jobWord(job: Pick<Job, "kind">): string {
  return KINDS[job.kind] ?? job.kind.replaceAll("_", " ");
}

const STEPS: Record<string, string> = {
  fetch: "Fetching the commit",
  read: "Reading stoa.toml",
  build: "Building",
  store: "Storing the build",
  release: "Running the release commands",
  stop: "Stopping the processes",
  start: "Starting the processes",
  health: "Waiting for the health check",
  switch: "Switching to the new release",
  settle: "Settling",
};

export function stepWord(job: Pick<Job, "step">): string {
  return STEPS[job.step] ?? (job.step ? job.step.replaceAll("_", " ") : "Beginning");
}
