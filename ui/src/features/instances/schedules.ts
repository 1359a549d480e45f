// Words and times of what is run at its times.

import type { Processes, ScheduleRun } from "@/api/generated";

const SOON = 3_000;
/** The machine's clock may be a little behind this one. */
const AFTER = 1_500;
/** The longest that a timer of a browser waits. */
const LONGEST = 2 ** 31 - 1;

/** How many milliseconds after `now` something of it is other; `null` where nothing is to come. */
export function isDue(seen: Processes, now: number): number | null {
  const goesOn = seen.schedules.some(({ runs }) => runs.some((run) => run.ended_at == null));
  const isBack = seen.processes.some(({ is_running }) => !is_running);
  if (goesOn || isBack) return SOON;
  const next = seen.schedules.flatMap(({ next_at }) => (next_at ? [Date.parse(next_at)] : []));
  if (next.length === 0) return null;
  return Math.min(Math.max(Math.min(...next) - now + AFTER, AFTER), LONGEST);
}

export function runWord(run: ScheduleRun): string {
  switch (run.outcome) {
    case "succeeded":
      return "Succeeded";
    case "failed":
      return "Failed";
    case "out_of_time":
      return "Out of time";
    case "stopped":
      return "Stopped";
    default:
      return "Runs";
  }
}
