// How many lines were written when, and where among them are errors.

import type { Windows } from "./windows";

export type Bar = { all: number; errors: number; warnings: number };
export type Spread = { from: number; to: number; most: number; bars: Bar[] };

type Stretch = { from: number; to: number; count: number; errors: number; warnings: number };

function stretches({ chunks }: Windows): Stretch[] {
  return chunks.flatMap(({ from, to, count, levels, times, lines }): Stretch[] => {
    if (lines)
      return lines.map(({ time, level }) => ({
        from: time,
        to: time,
        count: 1,
        errors: level === "error" ? 1 : 0,
        warnings: level === "warn" ? 1 : 0,
      }));
    const single = (at: number, errors: number) => ({ from: at, to: at, count: 0, errors, warnings: 1 - errors });
    const { error, warn } = times;
    return [
      { from, to, count, errors: error ? 0 : levels.error, warnings: warn ? 0 : levels.warn },
      ...(error ?? []).map((at) => single(at, 1)),
      ...(warn ?? []).map((at) => single(at, 0)),
    ];
  });
}

/** Lines by time, in so many bars of equal width. Null where there is no span of time to divide. */
export function spread(windows: Windows, count: number): Spread | null {
  const [from, to] = [windows.chunks[0]?.from ?? 0, windows.chunks.at(-1)?.to ?? 0];
  if (!(to - from >= 1000)) return null;
  const bars = Array.from({ length: count }, (): Bar => ({ all: 0, errors: 0, warnings: 0 }));
  const at = (time: number) => Math.min(count - 1, Math.max(0, Math.floor(((time - from) / (to - from)) * count)));
  for (const stretch of stretches(windows)) {
    const [first, last] = [at(stretch.from), at(stretch.to)];
    // Of a stretch only its ends are known: its lines are taken to lie evenly between, save those that are known.
    for (let bar = first; bar <= last; bar += 1) {
      const share = 1 / (last - first + 1);
      const here = bars[bar];
      if (!here) continue;
      here.all += stretch.count * share;
      here.errors += stretch.errors * share;
      here.warnings += stretch.warnings * share;
    }
  }
  return { from, to, bars, most: Math.max(...bars.map(({ all }) => all)) };
}

const WINDOW = 10_000;

/** Lines in a second, over the last ten. */
export function rate(windows: Windows, now: number): number {
  let count = 0;
  for (let at = windows.chunks.length - 1; at >= 0; at -= 1) {
    const lines = windows.chunks[at]?.lines ?? [];
    let within = lines.length - 1;
    for (; within >= 0 && (lines[within]?.time ?? 0) > now - WINDOW; within -= 1) count += 1;
    if (within >= 0 || lines.length === 0) break;
  }
  return count / (WINDOW / 1000);
}

export function rateInWords(lines: number): string {
  if (lines === 0) return "quiet";
  if (lines < 1) return "under 1 line/s";
  return `${Math.round(lines).toLocaleString("en")} ${Math.round(lines) === 1 ? "line/s" : "lines/s"}`;
}
