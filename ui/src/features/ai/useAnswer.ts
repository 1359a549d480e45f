import { useCallback, useEffect, useRef, useState } from "react";
import { ask } from "@/api/client";
import { Problem, problemOf } from "@/api/problem";
import { takeEvents } from "@/features/logs/lines";

/** What every answer of a model has, piece by piece; what else it has is read by whoever asked. */
type Piece = { delta?: string; done?: boolean };

export type Answer<Found> = {
  /** `reading` until the first word or finding. */
  state: "reading" | "telling" | "done" | "stopped" | "failed";
  text: string;
  found: Found;
  problem: Problem | null;
  stop: () => void;
  again: () => void;
};

/** What an answer has besides its words: how it begins, and how a piece adds to it. Both stay the same all the time. */
export type Reads<Part, Found> = { nothing: Found; take: (found: Found, part: Part) => Found };

/** Has a model answer, as it comes. Leaving or stopping ends the request, and with it the provider's. */
export function useAnswer<Part extends Piece, Found>(
  url: string,
  wish: object,
  { nothing, take }: Reads<Part, Found>,
): Answer<Found> {
  const begun = { state: "reading", text: "", found: nothing, problem: null } as const;
  const [answer, setAnswer] = useState<Omit<Answer<Found>, "stop" | "again">>(begun);
  const [attempt, setAttempt] = useState(0);
  const over = useRef<AbortController | null>(null);
  const what = JSON.stringify([url, wish]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt asks again
  useEffect(() => {
    const ends = new AbortController();
    over.current = ends;
    setAnswer(begun);
    const add = (part: Part) =>
      setAnswer((before) => ({
        ...before,
        found: take(before.found, part),
        ...(part.delta && { text: before.text + part.delta, state: "telling" as const }),
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
          const part = JSON.parse(data) as Part;
          isWhole ||= part.done === true;
          add(part);
        }
      }
      if (!isWhole) throw problemOf(new Error("ended"));
    };
    read().catch((failure: unknown) => {
      if (ends.signal.aborted) return;
      setAnswer((before) => ({ ...before, state: "failed", problem: problemOf(failure) }));
    });
    return () => ends.abort();
  }, [what, attempt]);

  const stop = useCallback(() => {
    over.current?.abort();
    setAnswer((before) => ({ ...before, state: "stopped" }));
  }, []);
  return { ...answer, stop, again: () => setAttempt((count) => count + 1) };
}

export const isUnderWay = ({ state }: Pick<Answer<unknown>, "state">): boolean =>
  state === "reading" || state === "telling";
