import { useDocumentVisibility } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { ask } from "@/api/client";
import { getOutlineLogsUrl, getReadLogsUrl, type ReadLogsParams } from "@/api/generated";
import type { LogLine } from "@/api/nouns";
import { Problem, problemOf } from "@/api/problem";
import { isOver, Pause, untilDone } from "./again";
import { Fetches } from "./fetches";
import { Finding } from "./find";
import { LEVELS, type Shown, shown, takeEvents } from "./lines";
import { linesOf } from "./stream";
import { type Chunk, type Told, Windows } from "./windows";

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

/** What isn't here because asking for it failed; it is asked for again. */
export type Missing = { older?: boolean; found?: boolean; seen?: boolean };

const FIRST = 500;
/** Lines of one answer at most. */
const PAGE = 10_000;
/** Lines of it that are shown together. */
const PART = 500;

/**
 * Reads the newest lines of a log, then what there is before them, and follows it while the tab is visible and nobody
 * pauses; goes on behind the last line it has. Where nothing more comes, it reads on to the end. The right to it ending is
 * a problem that stays; what broke off otherwise is taken up again, later and later.
 */
export function useLog({ workspace, instance, filter, find, follow, isPaused }: Wanted) {
  const [version, setVersion] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLive, setLive] = useState(false);
  const [isRead, setRead] = useState(false);
  const [isThrough, setThrough] = useState(false);
  const [counted, setCounted] = useState<number | null>(null);
  const [finding, setFinding] = useState<Finding | null>(null);
  const [missing, setMissing] = useState<Missing>({});
  const [attempt, setAttempt] = useState(0);
  const isVisible = useDocumentVisibility() === "visible";
  const what = JSON.stringify([workspace, instance, filter]);
  const isReading = !isPaused && (isVisible || !follow);
  const change = () => setVersion((count) => count + 1);
  const miss = (part: keyof Missing, problem: Problem | null, isMissing = problem !== null) => {
    if (problem && isOver(problem)) setProblem(problem);
    const is = isMissing && !(problem && isOver(problem));
    setMissing((before) => ((before[part] ?? false) === is ? before : { ...before, [part]: is }));
  };
  const url = (more: Partial<ReadLogsParams>) => getReadLogsUrl(workspace, instance, { ...filter, ...more });
  const begin = () => {
    const windows = new Windows();
    const fetched = async (chunk: Chunk, signal: AbortSignal) => {
      const lines: Shown[] = [];
      const response = await ask(url({ from: chunk.position, limit: chunk.count }), { headers: NDJSON, signal });
      for await (const line of linesOf<LogLine>(response)) lines.push(shown(line));
      windows.fill(chunk, lines);
      change();
    };
    const fetches = new Fetches(windows, fetched, (problem, isMissing) => miss("seen", problem, isMissing));
    return { what, windows, fetches, counting: new AbortController() };
  };
  const of = useRef<ReturnType<typeof begin>>(null);
  const leave = () => {
    of.current?.fetches.leave();
    of.current?.counting.abort();
  };
  if (of.current?.what !== what) {
    leave();
    of.current = begin();
  }
  const held = of.current;
  const { windows } = held;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is left is read from where it is kept
  useEffect(() => leave, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: of another log nothing is missing yet
  useEffect(() => setMissing({}), [what]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads on
  useEffect(() => {
    if (!isReading) return;
    const over = new AbortController();
    const pause = new Pause();
    let waiting: Shown[] = [];
    let frame = 0;
    let again: ReturnType<typeof setTimeout> | undefined;
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
    const isHere = () => {
      setRead(true);
      setProblem(null);
      pause.begin();
    };
    const newest = async () => {
      const response = await ask(url({ limit: FIRST }), { headers: NDJSON, signal: over.signal });
      const lines: Shown[] = [];
      for await (const line of linesOf<LogLine>(response)) lines.push(shown(line));
      isHere();
      if (lines.length === 0 && windows.isComplete) return;
      windows.restart();
      windows.append(lines);
      change();
      held.counting.abort();
      held.counting = new AbortController();
      const { signal } = held.counting;
      const asked = (work: () => Promise<void>) => untilDone(work, signal, (problem) => miss("older", problem));
      void asked(() => outline(lines[0]?.position, signal)).then(() => asked(() => times(signal)));
    };
    // Stretches don't tell when in them the errors were written.
    const times = async (signal: AbortSignal) => {
      const { untimed } = windows;
      if (!untimed) return;
      const { from, levels, count } = untimed;
      const response = await ask(url({ from, level: levels.join(","), limit: count }), { headers: NDJSON, signal });
      const lines: Shown[] = [];
      for await (const line of linesOf<LogLine>(response)) lines.push(shown(line));
      windows.time(lines, levels);
      change();
    };
    // What there is before the newest lines, and of which levels; with the window, whether it is followed or not.
    const outline = async (before: string | undefined, signal: AbortSignal) => {
      const told: Told[] = [];
      const beside: Told[] = [];
      const asked = (more: object) => ask(getOutlineLogsUrl(workspace, instance, more), { headers: NDJSON, signal });
      let lines = 0;
      for await (const stretch of linesOf<Told>(await asked({ ...filter, ...(before && { before }) }))) {
        told.push(stretch);
        lines += stretch.lines;
        setCounted(lines);
      }
      // Of the newest lines too, what isn't shown is counted.
      if (before && filter.level)
        for await (const stretch of linesOf<Told>(await asked({ ...filter, from: before }))) beside.push(stretch);
      if (signal.aborted) return;
      const own = LEVELS.filter((level) => filter.level?.split(",").includes(level) ?? true);
      // Where there was no line yet, those that are shown have come since, and are counted as they come.
      windows.prepend(before ? told : [], own);
      for (const { levels } of before ? beside : told)
        windows.count({ ...levels, ...Object.fromEntries(own.map((level) => [level, 0])) });
      setCounted(null);
      change();
    };
    // What was written behind the last line that is here.
    const rest = async () => {
      for (let isMore = true; isMore && windows.newest; ) {
        const response = await ask(url({ after: windows.newest, limit: PAGE }), {
          headers: NDJSON,
          signal: over.signal,
        });
        let count = 0;
        for await (const line of linesOf<LogLine>(response)) {
          waiting.push(shown(line));
          count += 1;
          if (count % PART === 0) show();
        }
        show();
        isMore = count === PAGE;
      }
    };
    const read = async () => {
      const isNew = windows.total === 0;
      if (isNew) await newest();
      if (!follow) {
        if (!isNew) await rest();
        isHere();
        setThrough(true);
        return;
      }
      const after = windows.newest;
      const headers = { Accept: "text/event-stream" };
      const response = await ask(url({ follow, ...(after ? { after } : { limit: PAGE }) }), {
        headers,
        signal: over.signal,
      });
      setLive(true);
      isHere();
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
          if (!isOver(problem)) again = setTimeout(run, pause.take(problem));
        })
        .finally(() => !over.signal.aborted && setLive(false));
    setProblem(null);
    setThrough(false);
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
    setFinding(null);
    if (!find || !isComplete) return;
    const over = new AbortController();
    const look = async () => {
      const begun = new Finding(find);
      const asked = getOutlineLogsUrl(workspace, instance, { ...filter, find });
      const response = await ask(asked, { headers: NDJSON, signal: over.signal });
      for await (const stretch of linesOf<Told>(response)) begun.take(stretch);
      begun.isComplete = true;
      if (!over.signal.aborted) setFinding(begun);
    };
    void untilDone(look, over.signal, (problem) => miss("found", problem));
    return () => {
      over.abort();
      miss("found", null);
    };
  }, [what, find, isComplete]);
  finding?.goOn(windows);

  return {
    windows,
    version,
    problem,
    isLive,
    isRead,
    isThrough,
    counted,
    missing,
    finding: finding?.text === find ? finding : null,
    /** Has these lines fetched when they have been in sight for a moment, where they aren't here. */
    see: (first: number, last: number) => held.fetches.see(first, last),
    /** Has this line fetched, whatever is in sight. */
    bring: (index: number) => held.fetches.bring(index),
    again: () => setAttempt((count) => count + 1),
  };
}

const NDJSON = { Accept: "application/x-ndjson" };
