// What backups say of themselves, in the words of the page.

import type { Backup, BackupCause, Job } from "@/api/generated";

const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** Bytes as people say them: three digits at most. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const shown = value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value).toString();
  return `${shown} ${UNITS[unit]}`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** `Today, 12:02`; `20 Nov, 02:00`. */
export function made(at: string, now: number): string {
  const then = new Date(at);
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const days = Math.ceil((midnight - then.getTime()) / 86_400_000);
  const word = days <= 0 ? "Today" : days === 1 ? "Yesterday" : day.format(then);
  return `${word}, ${clock.format(then)}`;
}

/** The same in the middle of a sentence. */
export const madeIn = (at: string, now: number): string =>
  made(at, now).replace(/^[TY]/, (first) => first.toLowerCase());

const withYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** `27 Dec`; of another year with that year. */
export function dayOf(at: string, now: number): string {
  const then = new Date(at);
  return (then.getFullYear() === new Date(now).getFullYear() ? day : withYear).format(then);
}

export const CAUSES: Record<BackupCause, string> = {
  hand: "By hand",
  schedule: "Schedule",
  before_restore: "Before a restore",
  before_delete: "Before the deletion",
};

/** What is lost by going back to it, as it is said before "of data". */
export function lost(backup: Pick<Backup, "created_at">, now: number): string {
  const passed = now - Date.parse(backup.created_at);
  if (passed < 60_000) return "less than a minute";
  const minutes = Math.round(passed / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

const STEPS: Record<string, string> = {
  "": "Waiting for its turn.",
  repository: "Opening the repository.",
  database: "Copying the database.",
  store: "Storing data. Verifying comes next.",
  verify: "Reading back what was stored.",
  restore: "Bringing the backup back, beside what is there.",
  check: "Comparing every file with the backup.",
  bring: "Fetching the commit.",
  fetch: "Fetching the commit.",
  read: "Reading what the application says of itself.",
  build: "Building the release.",
  stop: "Stopping, to exchange the data.",
  start: "Starting.",
  health: "Waiting until it answers.",
  switch: "Switching.",
  settle: "Tidying up.",
};

/** What work on backups is doing. */
export function doing(job: Pick<Job, "kind" | "step">): { title: string; step: string } {
  const title = job.kind === "restore" ? "Restoring" : job.kind === "delete" ? "Deleting" : "Backing up";
  return { title, step: STEPS[job.step] ?? "At work." };
}
