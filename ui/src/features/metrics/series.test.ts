import { describe, expect, it } from "vitest";
import {
  amount,
  area,
  bits,
  ceiling,
  ceilingOfBytes,
  ceilingOfCounts,
  dots,
  newest,
  peak,
  percent,
  rows,
  stretches,
  strokes,
  ticks,
  timeOf,
  usualRange,
} from "./series";

const x = (at: number) => at * 10;
const y = (figure: number) => 100 - figure;

describe("a line", () => {
  it("is broken where nothing was measured, and never drawn through it", () => {
    const figures = [null, 1, 2, null, null, 0, null, 4, 5];
    expect(stretches(figures)).toEqual([
      [1, 2],
      [5, 5],
      [7, 8],
    ]);
    expect(strokes(figures, x, y)).toBe("M10 99L20 98M70 96L80 95");
    expect(dots(figures, x, y)).toBe("M50 100h0.01");
    expect(area(figures, x, y)).toBe("M10 99L20 98L20 100L10 100ZM70 96L80 95L80 100L70 100Z");
  });
  it("is nothing where nothing is known", () => {
    expect(strokes([null, null], x, y)).toBe("");
    expect(strokes([], x, y)).toBe("");
    expect(peak([null])).toBe(0);
  });
  it("tells of now only what is of now", () => {
    expect(newest([1, 2, 3])).toBe(3);
    expect(newest([1, 2, null])).toBe(2);
    expect(newest([1, null, null])).toBeNull();
    expect(newest([5, 0])).toBe(0);
    expect(newest([])).toBeNull();
  });
});

describe("a scale", () => {
  it("ends at a round number above the highest figure", () => {
    expect([0, 0.3, 1, 3, 37, 61, 100, 101].map((most) => ceiling(most, 1))).toEqual([1, 1, 1, 4, 40, 80, 100, 200]);
    const counts = [0, 3, 5, 9, 12.5, 41, 73].map(ceilingOfCounts);
    expect(counts).toEqual([4, 4, 8, 12, 20, 60, 80]);
    expect(ceilingOfBytes(70 * 2 ** 20, 2 ** 20)).toBe(128 * 2 ** 20);
    expect(ceilingOfBytes(0, 2 ** 20)).toBe(2 ** 20);
  });
});

describe("times", () => {
  const noon = new Date(2026, 10, 26, 12, 0, 0).getTime();
  it("are marked at round moments of whoever looks", () => {
    const hour = { from: noon - 3_600_000 + 70_000, step: 10_000, count: 360 };
    expect(ticks(hour, "hour", false).map(({ word }) => word)).toEqual(["11:15", "11:30", "11:45", "12:00"]);
    const whole = { from: noon - 86_400_000, step: 120_000, count: 720 };
    expect(ticks(whole, "day", false).map(({ word }) => word)).toEqual([
      "12:00",
      "16:00",
      "20:00",
      "00:00",
      "04:00",
      "08:00",
    ]);
    const week = { from: noon - 7 * 86_400_000, step: 900_000, count: 672 };
    expect(ticks(week, "week", false)).toHaveLength(7);
    expect(ticks(week, "week", true)).toHaveLength(4);
  });
  it("are said as finely as they are kept", () => {
    expect(timeOf(noon + 10_000, "hour")).toBe("12:00:10");
    expect(timeOf(noon, "day")).toBe("12:00");
    expect(timeOf(noon, "week")).toContain("Thu");
  });
});

describe("a table", () => {
  it("sums up what was measured and says nothing of what wasn't", () => {
    const figures = [...Array<number | null>(30).fill(null), ...Array<number>(29).fill(2), 10];
    const found = rows([{ name: "Processor", figures }], { from: 0, step: 10_000, count: 60 }, "hour");
    expect(found).toHaveLength(2);
    expect(found[0]?.sums[0]?.most).toBe(10);
    expect(found[0]?.sums[0]?.mean).toBeCloseTo(68 / 30);
    expect(found[1]?.sums[0]).toEqual({ mean: null, most: null });
  });
});

describe("a range", () => {
  it("is an hour for what is younger than a day", () => {
    const day = 86_400_000;
    expect(usualRange(0, day - 1)).toBe("hour");
    expect(usualRange(0, day)).toBe("day");
  });
});

describe("figures", () => {
  it("are said shortly", () => {
    expect([0, 0.04, 2.55, 61.4].map(percent)).toEqual(["0 %", "0 %", "2.6 %", "61 %"]);
    expect([0, 8.6 * 2 ** 20, 2 ** 30].map(amount)).toEqual(["0 B", "8.6 MiB", "1 GiB"]);
    expect([0, 10, 125_000, 4_750_000].map(bits)).toEqual(["0 bit/s", "80 bit/s", "1 Mbit/s", "38 Mbit/s"]);
  });
});
