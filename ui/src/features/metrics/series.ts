// What a chart is made of, without a page: strokes that are broken where nothing was measured, scales, times, sums.

import { bytes } from "@/features/servers/bytes";

export type Figures = (number | null)[];

/** One line of a chart. The second of two differs by dashes, not only by colour. */
export type Line = { name: string; figures: Figures };

/** When the figures are of: milliseconds of UTC, each figure for one step from there on. */
export type Times = { from: number; step: number; count: number };

export const RANGES = ["hour", "day", "week"] as const;
export type Range = (typeof RANGES)[number];

export const isRange = (text: string): text is Range => RANGES.some((range) => range === text);

export const timesOf = (told: { from: string; step: number; processor: Figures }): Times => ({
  from: Date.parse(told.from),
  step: told.step * 1000,
  count: told.processor.length,
});

/** The stretches of a line in which each figure follows another, by their places. A gap is between two of them. */
export function stretches(figures: Figures): [number, number][] {
  const found: [number, number][] = [];
  let begun: number | null = null;
  for (let at = 0; at <= figures.length; at += 1) {
    const isKnown = at < figures.length && figures[at] !== null;
    if (isKnown) begun ??= at;
    else if (begun !== null) {
      found.push([begun, at - 1]);
      begun = null;
    }
  }
  return found;
}

type Place = (at: number) => number;

const short = (of: number) => Math.round(of * 10) / 10;

/** The line as a path, broken at gaps. What stands alone between two of them is none: it is a dot. */
export function strokes(figures: Figures, x: Place, y: (figure: number) => number): string {
  return stretches(figures)
    .filter(([first, last]) => first < last)
    .map(([first, last]) => {
      const points = [];
      for (let at = first; at <= last; at += 1) points.push(`${short(x(at))} ${short(y(figures[at] ?? 0))}`);
      return `M${points.join("L")}`;
    })
    .join("");
}

/** What stands alone between two gaps, as a path of dots. */
export const dots = (figures: Figures, x: Place, y: (figure: number) => number): string =>
  stretches(figures)
    .filter(([first, last]) => first === last)
    .map(([at]) => `M${short(x(at))} ${short(y(figures[at] ?? 0))}h0.01`)
    .join("");

/** What lies below the line, down to zero. */
export function area(figures: Figures, x: Place, y: (figure: number) => number): string {
  return stretches(figures)
    .filter(([first, last]) => first < last)
    .map(
      ([first, last]) =>
        `${strokes(figures.slice(0, last + 1).fill(null, 0, first), x, y)}L${short(x(last))} ${short(y(0))}L${short(x(first))} ${short(y(0))}Z`,
    )
    .join("");
}

/** The highest figure; zero where there is none. */
export const peak = (...all: Figures[]): number =>
  all.flat().reduce<number>((most, figure) => Math.max(most, figure ?? 0), 0);

const ROUND = [1, 2, 4, 6, 8, 10];

/** A round number that is at least as much, of which the quarters can be read. */
export function ceiling(of: number, least: number): number {
  const wanted = Math.max(of, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * (ROUND.find((round) => round * power >= wanted) ?? 10);
}

/** The same for what is counted: quarters of it are whole. */
export const ceilingOfCounts = (of: number): number => 4 * Math.ceil(ceiling(of, 4) / 4);

/** The same for bytes: a power of two. */
export function ceilingOfBytes(of: number, least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(of, least)));
}

/** The last figure, where it is of now: one that is older says nothing of now. */
export const newest = (figures: Figures): number | null => figures.at(-1) ?? figures.at(-2) ?? null;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayAndClock = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric" });

/** When a figure is of, in words. */
export function timeOf(at: number, range: Range): string {
  return (range === "hour" ? seconds : range === "day" ? clock : dayAndClock).format(at);
}

/** When a row of a table is of. */
export const rowTimeOf = (at: number, range: Range): string => (range === "week" ? dayAndClock : clock).format(at);

export type Tick = { at: number; word: string };

const HOUR = 3_600_000;

/** What is younger than a day is looked at by the hour: of a day it would be a dot at the edge. */
export const usualRange = (begun: number, now: number): Range => (now - begun < 24 * HOUR ? "hour" : "day");

/** Full quarters of an hour, every fourth hour, midnights: by the clock of whoever looks. */
export function ticks({ from, step, count }: Times, range: Range, isNarrow: boolean): Tick[] {
  const until = from + step * (count - 1);
  const minutes = range === "hour" ? (isNarrow ? 20 : 15) : 60;
  const each = range === "hour" ? 1 : range === "day" ? (isNarrow ? 6 : 4) : 24;
  const found: Tick[] = [];
  const first = new Date(from);
  first.setSeconds(0, 0);
  first.setMinutes(Math.ceil(first.getMinutes() / minutes) * minutes);
  let days = 0;
  for (let time = first.getTime(); time <= until; time += minutes * 60_000) {
    const here = new Date(time);
    if (time < from || (range !== "hour" && here.getHours() % each !== 0)) continue;
    if (range === "week") {
      days += 1;
      if (isNarrow && days % 2 === 0) continue;
    }
    found.push({ at: (time - from) / step, word: range === "week" ? day.format(here) : clock.format(here) });
  }
  return found;
}

/** Minutes that a row of a table stands for. */
const ROW_MINUTES: Record<Range, number> = { hour: 5, day: 60, week: 360 };

export type Sum = { mean: number | null; most: number | null };
export type SumRow = { at: number; sums: Sum[] };

/** The figures summed up for reading, the newest row first: few enough to be read through. */
export function rows(lines: Line[], times: Times, range: Range): SumRow[] {
  const size = Math.max(1, Math.round((ROW_MINUTES[range] * 60_000) / times.step));
  const found: SumRow[] = [];
  // Counted back from now: the last row is whole.
  for (let end = times.count; end > 0; end -= size) {
    const first = Math.max(0, end - size);
    const sums = lines.map(({ figures }) => {
      const known = figures.slice(first, end).filter((figure) => figure !== null);
      if (known.length === 0) return { mean: null, most: null };
      return { mean: known.reduce((sum, figure) => sum + figure, 0) / known.length, most: Math.max(...known) };
    });
    found.push({ at: times.from + first * times.step, sums });
  }
  return found;
}

export const percent = (of: number): string => `${of >= 10 || of === 0 ? Math.round(of) : Math.round(of * 10) / 10} %`;

/** Bytes in a second, as networks are told of. */
export function bits(bytes: number): string {
  let value = bytes * 8;
  let unit = 0;
  while (value >= 1000 && unit < 3) {
    value /= 1000;
    unit += 1;
  }
  const round = value >= 10 || unit === 0 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${round} ${["bit/s", "kbit/s", "Mbit/s", "Gbit/s"][unit]}`;
}

export const plain = (of: number): string =>
  `${of >= 10 || Number.isInteger(of) ? Math.round(of) : Math.round(of * 10) / 10}`;

/** Bytes, without what only looks exact. */
export const amount = (of: number): string => bytes(of).replace(".0 ", " ");
