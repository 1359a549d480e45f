import { useDocumentVisibility } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { ask } from "@/api/client";
import { getReadLogsUrl } from "@/api/generated";
import type { LogLine } from "@/api/nouns";
import { Problem, problemOf } from "@/api/problem";
import { append, type Buffer, emptyBuffer, type Shown, shown, takeEvents } from "./lines";

export type Wanted = {
  workspace: string;
  instance: string;
  deployment?: string | undefined;
  q: string;
  /** Only lines of this many minutes; all where it isn't said. */
  minutes: number | null;
  follow: boolean;
  isPaused: boolean;
};

const FIRST = 10_000;
const LONGEST_PAUSE = 30_000;

/** What ends a log for good: asking again would be answered alike. */
export function isOver(problem: Problem): boolean {
  return [400, 401, 403, 404, 422].includes(problem.status);
}

/**
 * Reads a log and follows it while the tab is visible and nobody pauses; goes on behind the last line it has. The right
 * to it ending is a problem that stays; what broke off otherwise is taken up again, later and later.
 */
export function useLog({ workspace, instance, deployment, q, minutes, follow, isPaused }: Wanted) {
  const buffer = useRef<Buffer>(emptyBuffer());
  const [version, setVersion] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLive, setLive] = useState(false);
  const [isRead, setRead] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const isVisible = useDocumentVisibility() === "visible";
  const what = JSON.stringify([workspace, instance, deployment, q, minutes]);
  const held = useRef(what);
  // A log that isn't followed is read to its end, whoever looks.
  const isReading = !isPaused && (isVisible || !follow);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads on
  useEffect(() => {
    if (held.current !== what) {
      held.current = what;
      buffer.current = emptyBuffer();
      setProblem(null);
      setRead(false);
      setVersion((count) => count + 1);
    }
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
      append(buffer.current, waiting);
      waiting = [];
      setVersion((count) => count + 1);
    };
    const take = (text: string) => {
      waiting.push(shown(JSON.parse(text) as LogLine));
      frame ||= requestAnimationFrame(show);
    };
    const read = async () => {
      const after = buffer.current.lines.at(-1)?.position;
      const since = minutes && !after ? new Date(Date.now() - minutes * 60_000).toISOString() : null;
      const url = getReadLogsUrl(workspace, instance, {
        follow,
        ...(q && { q }),
        ...(since && { since }),
        ...(after ? { after } : { limit: FIRST }),
        ...(deployment && { source: "deployment", deployment }),
      });
      const headers = { Accept: follow ? "text/event-stream" : "application/x-ndjson" };
      const response = await ask(url, { headers, signal: over.signal });
      setLive(follow);
      setRead(true);
      setProblem(null);
      pause = 500;
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        text += chunk.value;
        if (!follow) {
          const parts = text.split("\n");
          text = parts.pop() ?? "";
          for (const part of parts) take(part);
          continue;
        }
        const { events, rest } = takeEvents(text);
        text = rest;
        for (const { type, data } of events) {
          if (type === "end") throw new Problem(JSON.parse(data));
          take(data);
        }
      }
      if (follow) throw problemOf(new Error("ended"));
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
    void run();
    return () => {
      over.abort();
      clearTimeout(again);
      show();
      setLive(false);
    };
  }, [what, follow, isReading, attempt]);

  return { buffer: buffer.current, version, problem, isLive, isRead, again: () => setAttempt((count) => count + 1) };
}
