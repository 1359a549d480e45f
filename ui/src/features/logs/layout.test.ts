import { expect, test } from "vitest";
import { BROAD, columnsOf, HIGHEST, Layout, ROW, Scroll, SLIM } from "./layout";
import { shown } from "./lines";
import { none, Windows } from "./windows";

const AT = "2026-01-01T00:00:00.000Z";
const of = (...lengths: number[]) => {
  const windows = new Windows();
  windows.append(
    lengths.map((length, at) =>
      shown({ position: `9-${at}`, at: AT, stream: "stdout", text: "x".repeat(length), level: "info" }),
    ),
  );
  return windows;
};

test("without wrapping each line has a row", () => {
  const layout = new Layout().of(of(5, 500, 5), 0);
  expect([layout.top(0), layout.top(2), layout.height]).toEqual([0, 2 * ROW, 3 * ROW]);
  expect(layout.at(ROW + 1)).toBe(1);
  expect(layout.at(100 * ROW)).toBe(2);
});

test("wrapped, a long line takes the rows that it needs, and is found at each of them", () => {
  const windows = of(5, 25, 0, 5);
  const layout = new Layout().of(windows, 10);
  expect([1, 2, 3, 4].map((line) => layout.top(line))).toEqual([ROW, 4 * ROW, 5 * ROW, 6 * ROW]);
  expect([0, 1, 2, 3, 4, 5, 99].map((row) => layout.at(row * ROW))).toEqual([0, 1, 1, 1, 2, 3, 3]);
  // Another width is worked out anew.
  expect(layout.of(windows, 30).height).toBe(4 * ROW);
});

test("what was here once keeps its height, and what wasn't has a row for each line", () => {
  const windows = of(5);
  windows.prepend([{ position: "1-0", at: AT, until: AT, lines: 2, levels: none(), found: [], hits: 0 }]);
  const layout = new Layout().of(windows, 10);
  expect(layout.height).toBe(3 * ROW);
  const [chunk] = windows.want(0, 0);
  if (!chunk) throw new Error("it is to be fetched");
  windows.fill(chunk, of(25, 5).between(0, 1));
  expect(layout.of(windows, 10).height).toBe(5 * ROW);
  chunk.lines = null;
  expect(layout.of(windows, 10).height).toBe(5 * ROW);
});

test("a log that is higher than a browser's area is scrolled to each of its lines", () => {
  const [height, seen] = [4 * HIGHEST, 600];
  const scroll = new Scroll();
  const end = HIGHEST - seen;
  expect(scroll.go(height, height, seen)).toBe(end);
  expect(scroll.y).toBe(height - seen);
  // A turn of the wheel goes as far as it looks.
  scroll.moved(end - 100, height, seen);
  expect(scroll.y).toBe(height - seen - 100);
  // The bar, drawn to its middle, leads to the middle.
  scroll.moved(end / 2, height, seen);
  expect(scroll.y).toBeCloseTo((height - seen) / 2);
  scroll.moved(0, height, seen);
  expect(scroll.y).toBe(0);
});

test("the area's end isn't the whole's: the bar is set back before it is reached", () => {
  const [height, seen] = [4 * HIGHEST, 600];
  const scroll = new Scroll();
  let bar = scroll.go(10_000, height, seen);
  const whole = [];
  for (let turn = 0; turn < 30; turn += 1) {
    bar = scroll.moved(Math.max(1, bar - 300), height, seen);
    whole.push(scroll.y);
  }
  expect(whole.at(-1)).toBeLessThan(10_000 - 20 * 300);
  expect(whole).toEqual([...whole].sort((one, other) => other - one));
});

test("a line that was drawn takes what it took, and nothing is left of that at another width", () => {
  const windows = of(5, 25, 5);
  const layout = new Layout().of(windows, 10);
  // Words don't break where rows are full: 25 letters took four rows instead of three.
  const drawn: [number, number][] = [
    [0, ROW],
    [1, 4 * ROW],
  ];
  expect(layout.measure(drawn)).toBe(true);
  layout.of(windows, 10);
  expect([layout.top(2), layout.height, layout.at(4.5 * ROW)]).toEqual([5 * ROW, 6 * ROW, 1]);
  expect(layout.measure(drawn)).toBe(false);
  windows.append([shown({ position: "9-9", at: AT, stream: "stdout", text: "x", level: "info" })]);
  expect(layout.of(windows, 10).height).toBe(7 * ROW);
  expect(layout.of(windows, 30).height).toBe(4 * ROW);
  expect(layout.of(windows, 10).height).toBe(6 * ROW);
});

test("on a phone rows and letters are smaller, and each line has its edges", () => {
  const windows = of(5, 25, 5);
  expect(columnsOf(SLIM, 390, 0)).toBe(46);
  expect(columnsOf(BROAD, 1440, 3)).toBe(159);
  const layout = new Layout().of(windows, 10, SLIM);
  expect([layout.top(1), layout.top(2), layout.height]).toEqual([21, 76, 97]);
  expect([layout.at(20), layout.at(21), layout.at(75), layout.at(76)]).toEqual([0, 1, 1, 2]);
  // Not wrapped they are no lower.
  expect([layout.of(windows, 0, SLIM).top(2), layout.height, layout.at(42)]).toEqual([42, 63, 2]);
});
