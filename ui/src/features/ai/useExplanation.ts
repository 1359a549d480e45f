import { useCallback, useEffect, useRef, useState } from "react";
import { ask } from "@/api/client";
import type { Evidence, ExplanationPart } from "@/api/generated";
import { Problem, problemOf } from "@/api/problem";
import { takeEvents } from "@/features/logs/lines";

export type Explained = {
  /** `reading` until the first word. */
  state: "reading" | "telling" | "done" | "stopped" | "failed";
  text: string;
  evidence: Map<number, Evidence>;
  /** How many lines the provider was shown. */
  lines: number | null;
  problem: Problem | null;
};

const NOTHING: Explained = { state: "reading", text: "", evidence: new Map(), lines: null, problem: null };

/** Has something explained, as it comes. Leaving or stopping ends the request, and with it the provider's. */
export function useExplanation(url: string, wish: object) {
  const [explained, setExplained] = useState(NOTHING);
  const [attempt, setAttempt] = useState(0);
  const over = useRef<AbortController | null>(null);
  const what = JSON.stringify([url, wish]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt asks again
  useEffect(() => {
    const ends = new AbortController();
    over.current = ends;
    setExplained(NOTHING);
    const take = (part: ExplanationPart) =>
      setExplained((before) => ({
        ...before,
        ...(part.reading && { lines: part.reading.lines }),
        ...(part.delta && { text: before.text + part.delta, state: "telling" as const }),
        ...(part.evidence && { evidence: new Map(before.evidence).set(part.evidence.line, part.evidence) }),
        ...(part.done && { state: "done" as const }),
      }));
    const read = async () => {
      const [url, wish] = JSON.parse(what) as [string, object];
      const response = await ask(url, {
        method: "POST",
        headers: { Accept: "text/event-stream", "Content-Type": "application/json" },
        body: JSON.stringify(wish),
        signal: ends.signal,
      });
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      let isWhole = false;
      for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
        const { events, rest } = takeEvents(text + chunk.value);
        text = rest;
        for (const { type, data } of events) {
          if (type === "end") throw new Problem(JSON.parse(data));
          const part = JSON.parse(data) as ExplanationPart;
          isWhole ||= part.done === true;
          take(part);
        }
      }
      if (!isWhole) throw problemOf(new Error("ended"));
    };
    read().catch((failure: unknown) => {
      if (ends.signal.aborted) return;
      setExplained((before) => ({ ...before, state: "failed", problem: problemOf(failure) }));
    });
    return () => ends.abort();
  }, [what, attempt]);

  const stop = useCallback(() => {
    over.current?.abort();
    setExplained((before) => ({ ...before, state: "stopped" }));
  }, []);
  return { explained, stop, again: () => setAttempt((count) => count + 1) };
}
