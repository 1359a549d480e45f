import { expect, test } from "vitest";
import { type Shown, shown } from "./lines";
import { none, type Told, Windows } from "./windows";

const AT = "2026-01-01T00:00:00.000Z";
const line = (position: string): Shown => shown({ position, at: AT, stream: "stdout", text: position, level: "info" });
const told = (position: string, lines: number): Told => ({
  position,
  at: AT,
  until: AT,
  lines,
  levels: { ...none(), error: lines },
  found: [],
  hits: 0,
});
const lines = (segment: number, count: number) => Array.from({ length: count }, (_, at) => line(`${segment}-${at}`));

test("the newest lines are here at once, and what is before them takes its place when it is known", () => {
  const windows = new Windows();
  windows.append(lines(7, 3));
  expect(windows.line(0)?.position).toBe("7-0");
  expect(windows.chunkOf("2-0")).toBe(-1);
  windows.prepend([told("1-0", 1000), told("2-0", 0), told("3-5", 10)]);
  expect([windows.total, windows.shifted, windows.isComplete]).toEqual([1013, 1010, true]);
  expect(windows.line(1010)?.position).toBe("7-0");
  expect(windows.line(5)).toBeUndefined();
  expect(windows.counts).toEqual({ error: 1010, warn: 0, info: 3, debug: 0 });
  expect([windows.chunkOf("1-999"), windows.chunkOf("3-4"), windows.chunkOf("3-5"), windows.chunkOf("9-0")]).toEqual([
    0, 0, 1, 2,
  ]);
});

test("what is to be seen is asked for once, and is found by its position when it is here", () => {
  const windows = new Windows();
  windows.append(lines(7, 3));
  windows.prepend([told("1-0", 10), told("2-0", 4)]);
  const [first, second] = windows.want(5, 12);
  expect([first?.position, second?.position]).toEqual(["1-0", "2-0"]);
  expect(windows.want(5, 12)).toEqual([]);
  expect(windows.indexOf("2-2")).toBeUndefined();
  if (second) windows.fill(second, lines(2, 4));
  expect(windows.indexOf("2-2")).toBe(12);
  expect(windows.line(12)?.position).toBe("2-2");
  expect(windows.between(12, 15).map(({ position }) => position)).toEqual(["2-2", "2-3", "7-0", "7-1"]);
});

test("a million lines are never all here", () => {
  const windows = new Windows();
  const thousand = lines(1, 1000);
  windows.append(lines(7, 3));
  windows.prepend(Array.from({ length: 1000 }, (_, at) => told(`1-${at * 1000}`, 1000)));
  expect(windows.total).toBe(1_000_003);
  for (let at = 0; at < windows.total; at += 1000)
    for (const chunk of windows.want(at, at)) windows.fill(chunk, thousand);
  const held = () => windows.chunks.filter(({ lines }) => lines).length;
  expect(held()).toBeLessThanOrEqual(41);
  // Those that come live neither.
  for (let turn = 0; turn < 100; turn += 1) windows.append(thousand);
  expect(held()).toBeLessThanOrEqual(41);
  expect(windows.line(windows.total - 1)?.position).toBe("1-999");
});

test("where lines are gone meanwhile, their places are empty", () => {
  const windows = new Windows();
  windows.append(lines(7, 1));
  windows.prepend([told("1-0", 10)]);
  const [chunk] = windows.want(0, 0);
  if (chunk) windows.fill(chunk, lines(1, 4));
  expect(windows.line(3)?.position).toBe("1-3");
  expect(windows.line(4)).toBeUndefined();
  expect(windows.line(10)?.position).toBe("7-0");
  expect(windows.want(0, 0)).toEqual([]);
});

test("of long lines fewer are here, and those in sight stay", () => {
  const windows = new Windows();
  const long = "x".repeat(64 * 1024);
  const wide = (segment: number) => [0, 1, 2, 3].map((at) => ({ ...line(`${segment}-${at}`), text: long, bare: long }));
  // What comes is divided by its letters too.
  for (let turn = 0; turn < 100; turn += 1) windows.append(wide(900 + turn));
  expect(windows.chunks.length).toBe(100);
  windows.prepend(Array.from({ length: 100 }, (_, at) => told(`${at}-0`, 4)));
  const letters = () =>
    windows.chunks.reduce((sum, { lines }) => sum + (lines ?? []).reduce((all, { text }) => all + text.length, 0), 0);
  for (let at = 0; at < 100; at += 1) for (const chunk of windows.want(4 * at, 4 * at)) windows.fill(chunk, wide(at));
  expect(letters()).toBeLessThanOrEqual(8 * 1024 * 1024);
  // A screen of many such lines is seen whole.
  for (const chunk of windows.want(0, 319)) windows.fill(chunk, wide(chunk.place[0]));
  expect(windows.has(0, 319)).toBe(true);
  expect(windows.has(0, 330)).toBe(false);
});
