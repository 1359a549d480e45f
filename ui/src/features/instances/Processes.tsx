// What runs of an instance, and what is run at its times.

import { useEffect } from "react";
import {
  type ScheduleRun,
  type Process as SeenProcess,
  type Processes as SeenProcesses,
  type Schedule as SeenSchedule,
  viewProcesses,
} from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useObject } from "@/api/queries";
import { duration, LoadingRows, Panel, Section, StatusBadge, Time } from "@/kit";
import { Ahead } from "@/kit/Ahead";
import css from "./Processes.module.css";
import { isDue, runWord } from "./schedules";

export function Processes({ workspace, instance }: { workspace: string; instance: Instance }) {
  const asked = useObject(workspace, "instances", `/instances/${instance.id}/processes`, (init) =>
    viewProcesses(workspace, instance.id, init),
  );
  const { data, dataUpdatedAt, refetch } = asked;
  // What is to come is told with its time: then it is asked what came of it, and never else.
  useEffect(() => {
    if (!data) return;
    const wait = isDue(data, dataUpdatedAt);
    if (wait === null) return;
    const timer = setTimeout(() => void refetch(), wait);
    return () => clearTimeout(timer);
  }, [data, dataUpdatedAt, refetch]);
  if (asked.error) {
    return (
      <Section title="Processes">
        <Panel padded>
          <p className={css.quiet}>{problemOf(asked.error).detail}</p>
        </Panel>
      </Section>
    );
  }
  if (!data) {
    return (
      <Section title="Processes">
        <LoadingRows rows={1} />
      </Section>
    );
  }
  return <Shown seen={data} />;
}

function Shown({ seen }: { seen: SeenProcesses }) {
  return (
    <>
      {seen.processes.length > 0 && (
        <Section title="Processes">
          <Panel>
            <ul className={css.list}>
              {seen.processes.map((process) => (
                <Process key={process.name ?? ""} process={process} />
              ))}
            </ul>
          </Panel>
        </Section>
      )}
      {seen.schedules.length > 0 && (
        <Section title="Schedules">
          <Panel>
            <ul className={css.list}>
              {seen.schedules.map((schedule) => (
                <Schedule key={schedule.name} schedule={schedule} />
              ))}
            </ul>
          </Panel>
        </Section>
      )}
    </>
  );
}

function Process({ process }: { process: SeenProcess }) {
  return (
    <li>
      <div className={css.head}>
        <strong>{process.name ?? "The application"}</strong>
        <StatusBadge status={process.is_running ? "running" : "failed"} word={process.is_running ? "Runs" : "Ended"} />
      </div>
      <div className={css.quiet}>
        {process.is_running && process.began_at && (
          <>
            Began <Time at={process.began_at} just />
          </>
        )}
        {process.ends > 0 && (
          <>
            {process.is_running ? ", and" : "It"} ended {process.ends === 1 ? "once" : `${process.ends} times`} before
            {process.last_end && ` (${process.last_end})`}
          </>
        )}
      </div>
    </li>
  );
}

function Schedule({ schedule }: { schedule: SeenSchedule }) {
  const [last, ...earlier] = schedule.runs;
  return (
    <li>
      <div className={css.head}>
        <strong>{schedule.name}</strong>
        {last && <Outcome run={last} />}
      </div>
      <div className={css.quiet}>
        <code title="Minute, hour, day of the month, month, day of the week; in UTC">{schedule.cron}</code> UTC
      </div>
      <div className={css.quiet}>
        {last ? (
          <>
            Last run <Run run={last} />
          </>
        ) : (
          "Not run yet"
        )}
      </div>
      {schedule.next_at && (
        <div className={css.quiet}>
          Next run <Ahead at={schedule.next_at} />
        </div>
      )}
      {earlier.length > 0 && (
        <details className={css.earlier}>
          <summary>Earlier runs</summary>
          <ul>
            {earlier.map((run) => (
              <li key={run.began_at}>
                <Outcome run={run} bare />{" "}
                <span className={css.quiet}>
                  <Run run={run} />
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

const LOOKS = { succeeded: "succeeded", failed: "failed", out_of_time: "failed", stopped: "stopped" } as const;

function Outcome({ run, bare = false }: { run: ScheduleRun; bare?: boolean }) {
  return <StatusBadge status={run.outcome ? LOOKS[run.outcome] : "working"} word={runWord(run)} bare={bare} />;
}

/** When, how long, and how it ended where that isn't as it should. */
function Run({ run }: { run: ScheduleRun }) {
  return (
    <>
      <Time at={run.began_at} just />
      {run.ended_at && `, ${duration(Date.parse(run.ended_at) - Date.parse(run.began_at))}`}
      {(run.outcome === "failed" || run.outcome === "out_of_time") && run.end && `: ${run.end}`}
    </>
  );
}
