import { useDocumentVisibility } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { ask } from "@/api/client";
import { getOutlineLogsUrl, getReadLogsUrl, type ReadLogsParams } from "@/api/generated";
import type { LogLine } from "@/api/nouns";
import { Problem, problemOf } from "@/api/problem";
import { Finding } from "./find";
import { append, type Shown, shown, takeEvents } from "./lines";
import { linesOf } from "./stream";
import { type Told, Windows } from "./windows";

export type Wanted = {
  workspace: string;
  instance: string;
  /** Which log, and which of its lines. */
  filter: Pick<ReadLogsParams, "source" | "deployment" | "q" | "level" | "since" | "until">;
  /** Text that is looked for in the lines that are shown. */
  find: string;
  follow: boolean;
  isPaused: boolean;
};

const FIRST = 500;
const LONGEST_PAUSE = 30_000;

/** What ends a log for good: asking again would be answered alike. */
export function isOver(problem: Problem): boolean {
  return [400, 401, 403, 404, 422].includes(problem.status);
}

/**
 * Reads the newest lines of a log, then what there is before them, and follows it while the tab is visible and nobody
 * pauses; goes on behind the last line it has. The right to it ending is a problem that stays; what broke off otherwise is
 * taken up again, later and later.
 */
export function useLog({ workspace, instance, filter, find, follow, isPaused }: Wanted) {
  const held = useRef(new Windows());
  const [version, setVersion] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLive, setLive] = useState(false);
  const [isRead, setRead] = useState(false);
  const [counted, setCounted] = useState<number | null>(null);
  const [finding, setFinding] = useState<Finding | null>(null);
  const [attempt, setAttempt] = useState(0);
  const isVisible = useDocumentVisibility() === "visible";
  const what = JSON.stringify([workspace, instance, filter]);
  const of = useRef(what);
  const fetching = useRef(new AbortController());
  const isReading = !isPaused && (isVisible || !follow);
  if (of.current !== what) {
    of.current = what;
    held.current = new Windows();
    fetching.current.abort();
    fetching.current = new AbortController();
  }
  const windows = held.current;
  const change = () => setVersion((count) => count + 1);
  const lose = (failure: unknown) => {
    const problem = problemOf(failure);
    if (isOver(problem)) setProblem(problem);
  };
  useEffect(() => () => fetching.current.abort(), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads on
  useEffect(() => {
    if (!isReading) return;
    const over = new AbortController();
    let waiting: Shown[] = [];
    let frame = 0;
    let again: ReturnType<typeof setTimeout> | undefined;
    let pause = 500;
    // Many lines in a moment are shown at once.
    const show = () => {
      cancelAnimationFrame(frame);
      frame = 0;
      if (waiting.length === 0) return;
      windows.append(waiting);
      waiting = [];
      change();
    };
    const take = (text: string) => {
      waiting.push(shown(JSON.parse(text) as LogLine));
      frame ||= requestAnimationFrame(show);
    };
    const url = (more: Partial<ReadLogsParams>) => getReadLogsUrl(workspace, instance, { ...filter, ...more });
    const newest = async () => {
      const response = await ask(url({ limit: FIRST }), { headers: NDJSON, signal: over.signal });
      const lines: Shown[] = [];
      for await (const line of linesOf<LogLine>(response)) lines.push(shown(line));
      windows.append(lines);
      setRead(true);
      setProblem(null);
      change();
      void outline(lines[0]?.position).catch(lose);
    };
    // What there is before the newest lines, and of which levels; with the window, whether it is followed or not.
    const outline = async (before: string | undefined) => {
      const { signal } = fetching.current;
      const told: Told[] = [];
      const asked = getOutlineLogsUrl(workspace, instance, { ...filter, ...(before && { before }) });
      let lines = 0;
      for await (const stretch of linesOf<Told>(await ask(asked, { headers: NDJSON, signal }))) {
        told.push(stretch);
        lines += stretch.lines;
        setCounted(lines);
      }
      if (signal.aborted) return;
      windows.prepend(before ? told : told.map((one) => ({ ...one, lines: 0 })));
      setCounted(null);
      change();
      if (!before || !filter.level) return;
      // Of the newest lines too, what isn't shown is counted.
      const hidden = getOutlineLogsUrl(workspace, instance, { ...filter, from: before });
      const shownLevels = filter.level.split(",");
      for await (const { levels } of linesOf<Told>(await ask(hidden, { headers: NDJSON, signal })))
        windows.count({ ...levels, ...Object.fromEntries(shownLevels.map((level) => [level, 0])) });
      change();
    };
    const read = async () => {
      if (!windows.isComplete && windows.total === 0) await newest();
      if (!follow) return;
      const after = windows.chunks.at(-1)?.lines?.at(-1)?.position;
      const headers = { Accept: "text/event-stream" };
      const response = await ask(url({ follow, ...(after ? { after } : { limit: FIRST }) }), {
        headers,
        signal: over.signal,
      });
      setLive(true);
      setRead(true);
      setProblem(null);
      pause = 500;
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        text += chunk.value;
        const { events, rest } = takeEvents(text);
        text = rest;
        for (const { type, data } of events) {
          if (type === "end") throw new Problem(JSON.parse(data));
          take(data);
        }
      }
      throw problemOf(new Error("ended"));
    };
    const run = () =>
      read()
        .catch((failure: unknown) => {
          if (over.signal.aborted) return;
          show();
          const problem = problemOf(failure);
          setProblem(problem);
          setRead(true);
          if (!follow || isOver(problem)) return;
          again = setTimeout(run, pause);
          pause = Math.min(pause * 2, LONGEST_PAUSE);
        })
        .finally(() => !over.signal.aborted && setLive(false));
    setProblem(null);
    if (windows.total === 0 && !windows.isComplete) setRead(false);
    void run();
    return () => {
      over.abort();
      clearTimeout(again);
      show();
      setLive(false);
    };
  }, [what, follow, isReading, attempt]);

  // Finding asks for the whole log. It waits until lines have numbers, and ends when another text is sought.
  const isComplete = windows.isComplete;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the filter is in `what`
  useEffect(() => {
    if (!find || !isComplete) {
      setFinding(null);
      return;
    }
    const over = new AbortController();
    const begun = new Finding(find);
    const look = async () => {
      const asked = getOutlineLogsUrl(workspace, instance, { ...filter, find });
      const response = await ask(asked, { headers: NDJSON, signal: over.signal });
      for await (const stretch of linesOf<Told>(response)) begun.take(stretch);
      begun.isComplete = true;
      if (!over.signal.aborted) setFinding(begun);
    };
    look().catch((failure) => over.signal.aborted || lose(failure));
    return () => over.abort();
  }, [what, find, isComplete]);
  finding?.goOn(windows);

  /** Has these lines fetched, where they aren't here. */
  const see = (first: number, last: number) => {
    const { signal } = fetching.current;
    for (const chunk of windows.want(first, last)) {
      const asked = getReadLogsUrl(workspace, instance, { ...filter, from: chunk.position, limit: chunk.count });
      const fetched = async () => {
        const lines: Shown[] = [];
        const response = await ask(asked, { headers: NDJSON, signal });
        for await (const line of linesOf<LogLine>(response)) append(lines, [shown(line)]);
        windows.fill(chunk, lines);
        change();
      };
      fetched().catch((failure) => {
        chunk.isWanted = false;
        if (!signal.aborted) lose(failure);
      });
    }
  };

  return {
    windows,
    version,
    problem,
    isLive,
    isRead,
    counted,
    finding: finding?.text === find ? finding : null,
    see,
    again: () => setAttempt((count) => count + 1),
  };
}

const NDJSON = { Accept: "application/x-ndjson" };
