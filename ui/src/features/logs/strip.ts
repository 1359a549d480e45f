// How many lines were written when, and where among them are errors.

import type { Shown } from "./lines";

export type Bar = { all: number; errors: number; warnings: number };
export type Spread = { from: number; to: number; most: number; bars: Bar[] };

/** Lines by time, in so many bars of equal width. Null where there is no span of time to divide. */
export function spread(lines: Shown[], count: number): Spread | null {
  const [from, to] = [lines[0]?.time ?? 0, lines.at(-1)?.time ?? 0];
  if (!(to - from >= 1000)) return null;
  const bars = Array.from({ length: count }, (): Bar => ({ all: 0, errors: 0, warnings: 0 }));
  for (const { time, level } of lines) {
    const bar = bars[Math.min(count - 1, Math.max(0, Math.floor(((time - from) / (to - from)) * count)))];
    if (!bar) continue;
    bar.all += 1;
    if (level === "error") bar.errors += 1;
    if (level === "warn") bar.warnings += 1;
  }
  return { from, to, bars, most: Math.max(...bars.map(({ all }) => all)) };
}

const WINDOW = 10_000;

/** Lines in a second, over the last ten. */
export function rate(lines: Shown[], now: number): number {
  let count = 0;
  for (let at = lines.length - 1; at >= 0 && (lines[at]?.time ?? 0) > now - WINDOW; at -= 1) count += 1;
  return count / (WINDOW / 1000);
}

export function rateInWords(lines: number): string {
  if (lines === 0) return "quiet";
  if (lines < 1) return "under 1 line/s";
  return `${Math.round(lines).toLocaleString("en")} ${Math.round(lines) === 1 ? "line/s" : "lines/s"}`;
}
