import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useLog, type Wanted } from "./useLog";

const AT = "2026-01-01T00:00:00.000Z";
const line = (offset: number) => ({
  position: `1-${offset}`,
  at: AT,
  stream: "stdout",
  level: "info",
  text: `${offset}`,
});
const told = (offset: number, lines: number, levels = {}) => ({
  position: `1-${offset}`,
  at: AT,
  until: AT,
  lines,
  levels: { error: 0, warn: 0, info: lines, debug: 0, ...levels },
  found: [],
  hits: 0,
});

type Asked = { url: URL; isOutline: boolean; get: (name: string) => string | null; signal: AbortSignal };
type Answer = unknown[] | number | Response;
let asked: Asked[];
/** How the server answers, which a test sets. */
let answer: (asked: Asked) => Answer;

const ndjson = (lines: unknown[]) => new Response(lines.map((one) => `${JSON.stringify(one)}\n`).join(""));
/** A log that is followed: what came so far, and nothing more until it is left. */
const stream = (lines: unknown[], signal: AbortSignal) =>
  new Response(
    new ReadableStream({
      start(controller) {
        const text = lines.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
        controller.enqueue(new TextEncoder().encode(text));
        signal.addEventListener("abort", () => controller.error(new DOMException("left", "AbortError")));
      },
    }),
  );

const see = (state: DocumentVisibilityState) =>
  act(() => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    const url = new URL(path, "http://stoa.test");
    const signal = init.signal ?? new AbortController().signal;
    const get = (name: string) => url.searchParams.get(name);
    const one = { url, isOutline: url.pathname.endsWith("/outline"), get, signal };
    asked.push(one);
    const answered = answer(one);
    if (answered instanceof Response) return answered;
    if (typeof answered !== "number") return ndjson(answered);
    const body = { status: answered, code: "busy", title: "Busy", detail: "Too much at once." };
    return new Response(JSON.stringify(body), { status: answered });
  });
});

afterEach(async () => {
  cleanup();
  await see("visible");
  vi.unstubAllGlobals();
});

const wanted: Wanted = { workspace: "acme", instance: "one", filter: {}, find: "", follow: true, isPaused: false };
const positions = (log: ReturnType<typeof useLog>) =>
  log.windows.between(0, log.windows.total - 1).map(({ position }) => position);

test("what a log ended with while nobody looked is read, however much it is", async () => {
  answer = ({ isOutline, get, signal }) => {
    if (isOutline) return [];
    if (get("follow")) return stream([line(2)], signal);
    if (get("after") === "1-2") return Array.from({ length: 10_000 }, (_, at) => line(3 + at));
    if (get("after") === "1-10002") return [line(10_003)];
    return get("after") ? [] : [line(1)];
  };
  const { result, rerender } = renderHook((props: Partial<Wanted>) => useLog({ ...wanted, ...props }), {
    initialProps: {},
  });
  await waitFor(() => expect(positions(result.current)).toEqual(["1-1", "1-2"]));
  await see("hidden");
  rerender({ follow: false });
  await waitFor(() => expect(result.current.isThrough).toBe(true));
  expect(result.current.windows.total).toBe(10_003);
  expect(result.current.windows.newest).toBe("1-10003");
});

test("a log that was paused is read to its end when it has ended", async () => {
  answer = ({ isOutline, get, signal }) => {
    if (isOutline) return [];
    if (get("follow")) return stream([], signal);
    return get("after") === "1-1" ? [line(2)] : [line(1)];
  };
  const { result, rerender } = renderHook((props: Partial<Wanted>) => useLog({ ...wanted, ...props }), {
    initialProps: {},
  });
  await waitFor(() => expect(result.current.isLive).toBe(true));
  rerender({ isPaused: true });
  await waitFor(() => expect(result.current.isLive).toBe(false));
  expect(result.current.isThrough).toBe(false);
  rerender({ follow: false, isPaused: false });
  await waitFor(() => expect(result.current.isThrough).toBe(true));
  expect(positions(result.current)).toEqual(["1-1", "1-2"]);
});

test("a log that was empty is asked for again when it has ended", async () => {
  let written: unknown[] = [];
  answer = ({ isOutline, get, signal }) => (isOutline ? [] : get("follow") ? stream([], signal) : written);
  const { result, rerender } = renderHook((props: Partial<Wanted>) => useLog({ ...wanted, ...props }), {
    initialProps: {},
  });
  await waitFor(() => expect(result.current.windows.isComplete && result.current.isLive).toBe(true));
  await see("hidden");
  written = [line(1), line(2)];
  rerender({ follow: false });
  await waitFor(() => expect(result.current.isThrough).toBe(true));
  expect(positions(result.current)).toEqual(["1-1", "1-2"]);
});

test("an end that can't be read isn't told as the end, and is asked for again", async () => {
  let isBusy = true;
  answer = ({ isOutline }) => (isOutline ? [] : isBusy ? 503 : [line(1)]);
  const { result } = renderHook(() => useLog({ ...wanted, follow: false }));
  await waitFor(() => expect(result.current.problem?.status).toBe(503));
  expect(result.current.isThrough).toBe(false);
  isBusy = false;
  await waitFor(() => expect(result.current.isThrough).toBe(true), { timeout: 5_000 });
  expect([positions(result.current), result.current.problem]).toEqual([["1-1"], null]);
});

test("what is before the newest lines, and what is sought, is asked for until it is answered", async () => {
  let busy = ["outline", "find"];
  answer = ({ isOutline, get }) => {
    if (!isOutline) return [line(9)];
    if (busy.includes(get("find") ? "find" : "outline")) return 429;
    return get("find") ? [{ ...told(1, 6), found: [2], hits: 1 }] : [told(1, 5)];
  };
  const { result } = renderHook(() => useLog({ ...wanted, follow: false, find: "two" }));
  await waitFor(() => expect(result.current.missing.older).toBe(true));
  expect(result.current.windows.total).toBe(1);
  busy = ["find"];
  await waitFor(() => expect(result.current.windows.total).toBe(6), { timeout: 5_000 });
  await waitFor(() => expect(result.current.missing).toEqual({ older: false, found: true }));
  busy = [];
  await waitFor(() => expect(result.current.finding?.hits).toBe(1), { timeout: 5_000 });
  expect(result.current.missing.found).toBe(false);
});

test("lines in sight are asked for until they are here; what was scrolled past isn't asked for any more", async () => {
  let isBusy = true;
  answer = ({ isOutline, get, signal }) => {
    if (isOutline) return Array.from({ length: 10 }, (_, at) => told(at * 1_000, 1_000));
    const from = get("from")?.slice(2);
    if (from === undefined) return [line(10_000)];
    if (from === "5000" && isBusy) return 503;
    if (from === "2000") return stream([], signal);
    return Array.from({ length: 1_000 }, (_, at) => line(Number(from) + at));
  };
  const { result } = renderHook(() => useLog({ ...wanted, follow: false }));
  await waitFor(() => expect(result.current.windows.total).toBe(10_001));
  // Flown over: nobody waits for these.
  act(() => {
    result.current.see(0, 50);
    result.current.see(3_000, 3_050);
    result.current.see(2_000, 2_050);
  });
  const fetched = () => asked.filter(({ get }) => get("from")).map(({ get }) => get("from"));
  await waitFor(() => expect(fetched()).toEqual(["1-2000"]));
  act(() => result.current.see(5_000, 5_050));
  await waitFor(() => expect(result.current.missing.seen).toBe(true));
  expect(asked.find(({ get }) => get("from") === "1-2000")?.signal.aborted).toBe(true);
  isBusy = false;
  await waitFor(() => expect(result.current.windows.line(5_000)?.text).toBe("5000"), { timeout: 5_000 });
  expect(result.current.missing.seen).toBe(false);
  // Who comes back has them asked for anew.
  act(() => result.current.see(2_000, 2_050));
  await waitFor(() => expect(fetched().filter((from) => from === "1-2000")).toHaveLength(2));
});

test("a line that is sought is fetched, wherever one looks meanwhile", async () => {
  answer = ({ isOutline, get, signal }) => {
    if (isOutline) return Array.from({ length: 10 }, (_, at) => told(at * 1_000, 1_000));
    return get("from") === "1-3000" ? stream([], signal) : [line(10_000)];
  };
  const { result } = renderHook(() => useLog({ ...wanted, follow: false }));
  await waitFor(() => expect(result.current.windows.total).toBe(10_001));
  act(() => {
    result.current.bring(3_000);
    result.current.see(8_000, 8_050);
  });
  await waitFor(() => expect(asked.some(({ get }) => get("from") === "1-8000")).toBe(true));
  expect(asked.find(({ get }) => get("from") === "1-3000")?.signal.aborted).toBe(false);
});

test("few errors are asked for, to know when they were written; of many it isn't asked", async () => {
  let errors = 3;
  answer = ({ isOutline, get }) => {
    if (isOutline) return [told(0, 1_000), told(1_000, 1_000, { error: errors }), told(2_000, 1_000)];
    if (get("level")) return [1_001, 1_002, 1_999].map((offset) => ({ ...line(offset), level: "error" }));
    return [line(10_000)];
  };
  const timed = () => asked.filter(({ isOutline, get }) => !isOutline && get("level"));
  const first = renderHook(() => useLog({ ...wanted, follow: false }));
  const [, held] = await waitFor(() => {
    expect(first.result.current.windows.chunks[1]?.times.error).toHaveLength(3);
    return first.result.current.windows.chunks;
  });
  expect(held?.lines).toBeNull();
  expect(timed().map(({ get }) => [get("from"), get("level"), get("limit")])).toEqual([["1-1000", "error,warn", "3"]]);
  first.unmount();
  errors = 501;
  const second = renderHook(() => useLog({ ...wanted, follow: false }));
  await waitFor(() => expect(second.result.current.windows.total).toBe(3_001));
  expect(timed()).toHaveLength(1);
});

test("lines that come while an empty log is counted are counted once", async () => {
  let tell = (_: Response) => {};
  const outlined = new Promise<Response>((go) => {
    tell = go;
  });
  answer = ({ isOutline, get, signal }) => {
    if (!isOutline) return get("follow") ? stream([line(1), line(2)], signal) : [];
    const body = new ReadableStream({
      start: async (controller) => {
        controller.enqueue(new Uint8Array(await (await outlined).arrayBuffer()));
        controller.close();
      },
    });
    return new Response(body);
  };
  const { result } = renderHook(() => useLog({ ...wanted, filter: { level: "info,error" } }));
  await waitFor(() => expect(result.current.windows.total).toBe(2));
  tell(ndjson([told(1, 2, { warn: 3 })]));
  await waitFor(() => expect(result.current.windows.isComplete).toBe(true));
  expect(result.current.windows.counts).toEqual({ error: 0, warn: 3, info: 2, debug: 0 });
});
