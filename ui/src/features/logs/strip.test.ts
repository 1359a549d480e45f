import { expect, test } from "vitest";
import { type Level, shown } from "./lines";
import { rate, rateInWords, spread } from "./strip";
import { Windows } from "./windows";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const at = (second: number) => new Date(START + second * 1000).toISOString();
const line = (second: number, level: Level = "info") =>
  shown({ position: `9-${second}`, at: at(second), stream: "stdout", text: "x", level });
const of = (...lines: ReturnType<typeof line>[]) => {
  const windows = new Windows();
  windows.append(lines);
  return windows;
};

test("lines are counted where in time they stand, errors and warnings among them", () => {
  const found = spread(of(line(0), line(1, "error"), line(9, "warn"), line(10)), 2);
  expect(found?.bars).toEqual([
    { all: 2, errors: 1, warnings: 0 },
    { all: 2, errors: 0, warnings: 1 },
  ]);
  expect(found?.most).toBe(2);
});

test("of a stretch whose lines aren't here they lie evenly between its ends", () => {
  const windows = of(line(10));
  const levels = { error: 4, warn: 0, info: 36, debug: 0 };
  windows.prepend([{ position: "1-0", at: at(0), until: at(9), lines: 40, levels, found: [], hits: 0 }]);
  expect(spread(windows, 2)?.bars).toEqual([
    { all: 20, errors: 2, warnings: 0 },
    { all: 21, errors: 2, warnings: 0 },
  ]);
});

test("what is known of when errors were written is where they stand, also when their lines have gone", () => {
  const windows = of(line(100));
  const levels = { error: 2, warn: 600, info: 398, debug: 0 };
  windows.prepend([{ position: "1-0", at: at(0), until: at(99), lines: 1_000, levels, found: [], hits: 0 }]);
  const errors = () => spread(windows, 10)?.bars.map((bar) => bar.errors);
  // So many warnings aren't asked for; the errors are.
  expect(windows.untimed).toEqual({ from: "1-0", levels: ["error"], count: 2 });
  const error = (second: number) => ({ ...line(second, "error"), position: `1-${second}` });
  // Fewer than there are say nothing of the others.
  windows.time([error(5)], ["error"]);
  expect(errors()).toEqual(Array(9).fill(expect.closeTo(0.2)).concat(expect.closeTo(0.2)));
  windows.time([error(5), error(7)], ["error"]);
  expect(errors()).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(windows.untimed).toBeNull();
});

test("of levels that aren't shown the strip has none", () => {
  const windows = of(line(10));
  const levels = { error: 4, warn: 0, info: 36, debug: 0 };
  const told = { position: "1-0", at: at(0), until: at(9), lines: 36, levels, found: [], hits: 0 };
  windows.prepend([told], ["info", "debug"]);
  expect(spread(windows, 2)?.bars.map((bar) => bar.errors)).toEqual([0, 0]);
  expect(windows.counts.error).toBe(4);
  expect(windows.untimed).toBeNull();
});

test("there is nothing to divide in no lines, in one, and in less than a second", () => {
  expect(spread(of(), 4)).toBeNull();
  expect(spread(of(line(1)), 4)).toBeNull();
  expect(spread(of(line(1), line(1)), 4)).toBeNull();
});

test("the rate is of the last ten seconds, in words", () => {
  expect(rate(of(line(0), line(5), line(11), line(12)), START + 14_000)).toBeCloseTo(0.3);
  expect(rateInWords(0)).toBe("quiet");
  expect(rateInWords(0.3)).toBe("under 1 line/s");
  expect(rateInWords(1.2)).toBe("1 line/s");
  expect(rateInWords(1400)).toBe("1,400 lines/s");
});
