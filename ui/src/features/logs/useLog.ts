import { useEffect, useRef, useState } from "react";
import { at, request } from "@/api/client";
import { Problem, problemOf } from "@/api/problem";
import type { LogLine } from "@/api/types";
import { append, plain, takeEvents } from "./lines";

export type Wanted = {
  workspace: string;
  instance: string;
  deployment?: string | undefined;
  q: string;
  follow: boolean;
};

/** Reads a log and follows it. Ends with a problem when the right to it does. */
export function useLog({ workspace, instance, deployment, q, follow }: Wanted) {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isLive, setLive] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const waiting = useRef<LogLine[]>([]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt reads anew
  useEffect(() => {
    const over = new AbortController();
    let frame = 0;
    waiting.current = [];
    setLines([]);
    setProblem(null);
    // Many lines in a moment are shown at once.
    const show = () => {
      frame = 0;
      const more = waiting.current;
      waiting.current = [];
      if (more.length > 0) setLines((lines) => append(lines, more));
    };
    const take = (line: LogLine) => {
      waiting.current.push({ ...line, text: plain(line.text) });
      frame ||= requestAnimationFrame(show);
    };
    const read = async () => {
      const query = { follow, q, limit: 1000, ...(deployment && { source: "deployment", deployment }) };
      const path = at`/workspaces/${workspace}/instances/${instance}/logs`;
      const accept = follow ? "text/event-stream" : "application/x-ndjson";
      const response = await request("GET", path, { query, accept, signal: over.signal });
      setLive(follow);
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        text += chunk.value;
        if (!follow) {
          const parts = text.split("\n");
          text = parts.pop() ?? "";
          for (const part of parts) take(JSON.parse(part) as LogLine);
          continue;
        }
        const { events, rest } = takeEvents(text);
        text = rest;
        for (const { type, data } of events) {
          if (type === "end") throw new Problem(JSON.parse(data));
          take(JSON.parse(data) as LogLine);
        }
      }
    };
    read()
      .catch((failure: unknown) => {
        if (!over.signal.aborted) setProblem(problemOf(failure));
      })
      .finally(() => setLive(false));
    return () => {
      over.abort();
      if (frame) cancelAnimationFrame(frame);
    };
  }, [workspace, instance, deployment, q, follow, attempt]);

  return { lines, problem, isLive, again: () => setAttempt((count) => count + 1) };
}
