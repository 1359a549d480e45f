import { expect, test } from "vitest";
import { type Shown, shown } from "./lines";
import { rate, rateInWords, spread } from "./strip";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const line = (second: number, text = "x"): Shown =>
  shown({ position: String(second), at: new Date(START + second * 1000).toISOString(), stream: "stdout", text });

test("lines are counted where in time they stand, errors and warnings among them", () => {
  const found = spread([line(0), line(1, "ERROR no"), line(9, "warn: soon"), line(10)], 2);
  expect(found?.bars).toEqual([
    { all: 2, errors: 1, warnings: 0 },
    { all: 2, errors: 0, warnings: 1 },
  ]);
  expect(found?.most).toBe(2);
});

test("there is nothing to divide in no lines, in one, and in less than a second", () => {
  expect(spread([], 4)).toBeNull();
  expect(spread([line(1)], 4)).toBeNull();
  expect(spread([line(1), line(1)], 4)).toBeNull();
});

test("the rate is of the last ten seconds, in words", () => {
  const lines = [line(0), line(5), line(11), line(12)];
  expect(rate(lines, START + 14_000)).toBeCloseTo(0.3);
  expect(rateInWords(0)).toBe("quiet");
  expect(rateInWords(0.3)).toBe("under 1 line/s");
  expect(rateInWords(1.2)).toBe("1 line/s");
  expect(rateInWords(1400)).toBe("1,400 lines/s");
});
