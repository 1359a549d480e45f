import { expect, test } from "vitest";
import { Heights, ROW } from "./heights";
import { type Shown, shown } from "./lines";

const line = (length: number): Shown =>
  shown({ position: String(length), at: "2026-01-01T00:00:00.000Z", stream: "stdout", text: "x".repeat(length) });

test("without wrapping each line has a row", () => {
  const heights = new Heights().of([line(5), line(500), line(5)], 0);
  expect([heights.top(0), heights.top(2), heights.top(3)]).toEqual([0, 2 * ROW, 3 * ROW]);
  expect(heights.at(ROW + 1)).toBe(1);
  expect(heights.at(100 * ROW)).toBe(2);
});

test("wrapped, a long line takes the rows that it needs, and is found at each of them", () => {
  const lines = [line(5), line(25), line(0), line(5)];
  const heights = new Heights().of(lines, 10);
  expect([heights.top(1), heights.top(2), heights.top(3), heights.top(4)]).toEqual([ROW, 4 * ROW, 5 * ROW, 6 * ROW]);
  expect([0, 1, 2, 3, 4, 5, 99].map((row) => heights.at(row * ROW))).toEqual([0, 1, 1, 1, 2, 3, 3]);
  lines.push(line(15));
  expect(heights.of(lines, 10).top(5)).toBe(8 * ROW);
  // Another width is worked out anew.
  expect(heights.of(lines, 30).top(5)).toBe(5 * ROW);
});
