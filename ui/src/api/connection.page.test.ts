import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

class Stream {
  static readonly CLOSED = 2;
  static made: Stream[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  constructor(readonly url: string) {
    Stream.made.push(this);
  }
  heard = new Map<string, () => void>();
  addEventListener(name: string, listener: () => void) {
    this.heard.set(name, listener);
  }
  close() {
    this.readyState = 2;
  }
}

class Channel {
  static all = new Set<Channel>();
  onmessage: ((message: { data: unknown }) => void) | null = null;
  constructor(readonly name: string) {
    Channel.all.add(this);
  }
  postMessage(data: unknown) {
    for (const other of Channel.all) if (other !== this && other.name === this.name) other.onmessage?.({ data });
  }
  close() {
    Channel.all.delete(this);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal("BroadcastChannel", Channel);
  vi.stubGlobal("navigator", { ...navigator, locks: undefined });
  Stream.made = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function following() {
  const { useEvents, removedKey } = await import("./events");
  const { useIsLost } = await import("./connection");
  const { queryClient } = await import("./queries");
  const { unmount } = renderHook(() => useEvents("acme", true));
  const { result } = renderHook(() => useIsLost());
  const [stream] = Stream.made;
  if (!stream) throw new Error("no stream was opened");
  act(() => stream.onopen?.());
  const removed = () => queryClient.getQueryData(removedKey("acme"));
  return { stream, result, unmount, removed };
}

const pass = (milliseconds: number) => act(() => vi.advanceTimersByTime(milliseconds));

test("a stream that is lost is told of after some seconds, and no more once it is back", async () => {
  const { stream, result, unmount } = await following();
  act(() => stream.onerror?.());
  pass(4000);
  expect(result.current).toBe(false);
  // The browser tries again, in vain: that doesn't begin the wait anew.
  act(() => stream.onerror?.());
  pass(1500);
  expect(result.current).toBe(true);
  act(() => stream.onopen?.());
  expect(result.current).toBe(false);
  pass(20_000);
  expect(result.current).toBe(false);
  unmount();
});

test("one that is back soon isn't told of", async () => {
  const { stream, result, unmount } = await following();
  act(() => stream.onerror?.());
  pass(3000);
  act(() => stream.onopen?.());
  pass(20_000);
  expect(result.current).toBe(false);
  unmount();
});

test("that the server closed it for good doesn't pass for being back", async () => {
  const { stream, result, unmount } = await following();
  stream.readyState = 2;
  act(() => stream.onerror?.());
  pass(6000);
  expect(result.current).toBe(true);
  unmount();
  expect(result.current).toBe(false);
});

test("one that dies without a word is told of after three heartbeats, and opened anew", async () => {
  const { stream, result, unmount } = await following();
  expect(stream.url).toContain("heartbeats=true");
  for (let beat = 0; beat < 20; beat++) {
    pass(15_000);
    act(() => stream.heard.get("heartbeat")?.());
  }
  expect([result.current, Stream.made.length]).toEqual([false, 1]);
  pass(44_000);
  expect(Stream.made.length).toBe(1);
  pass(1000);
  expect([stream.readyState, Stream.made.length]).toEqual([2, 2]);
  pass(5000);
  expect(result.current).toBe(true);
  // Nor does the next one come about: that is tried again and again.
  pass(45_000);
  const [, , third] = Stream.made;
  expect([result.current, Stream.made.length, Stream.made[1]?.readyState]).toEqual([true, 3, 2]);
  act(() => third?.onopen?.());
  expect(result.current).toBe(false);
  // Any word of the server counts.
  pass(40_000);
  act(() => third?.onmessage?.({ data: JSON.stringify({ type: "changed" }) }));
  pass(40_000);
  expect(Stream.made.length).toBe(3);
  unmount();
  pass(120_000);
  expect(Stream.made.length).toBe(3);
});

test("another tab's stream counts as one's own", async () => {
  const { result, unmount } = await following();
  const other = new Channel("stoa-events-acme");
  act(() => other.postMessage({ kind: "lost" }));
  pass(6000);
  expect(result.current).toBe(true);
  act(() => other.postMessage({ kind: "opened" }));
  expect(result.current).toBe(false);
  unmount();
});

test("a member who is removed is known to be gone", async () => {
  const { stream, unmount, removed } = await following();
  const resource = { kind: "member", id: "m1" };
  act(() => stream.onmessage?.({ data: JSON.stringify({ type: "changed", resource }) }));
  expect(removed()).toBeUndefined();
  act(() => stream.onmessage?.({ data: JSON.stringify({ type: "deleted", resource }) }));
  expect(removed()).toEqual(["m1"]);
  unmount();
});
