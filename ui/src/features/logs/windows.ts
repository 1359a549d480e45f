// A log that is longer than a page can hold: what there is of it is known by stretches, and of those the few that are
// looked at are here with their lines.

import { append, type Level, type Shown } from "./lines";

export type Place = [segment: number, offset: number];

/** A stretch as the server tells it. */
export type Told = {
  position: string;
  at: string;
  until: string;
  lines: number;
  levels: Record<Level, number>;
  found: number[];
  hits: number;
};

export type Chunk = {
  position: string;
  place: Place;
  count: number;
  from: number;
  to: number;
  levels: Record<Level, number>;
  /** `null`: not here. Fewer than `count` where some are gone from the server meanwhile. */
  lines: Shown[] | null;
  isWanted: boolean;
  /** When it was looked at last, in turns of looking. */
  seen: number;
};

/** Lines of one stretch that grows at the end. */
const LONG = 1_000;
/** Stretches that are here with their lines at most. */
const HELD = 40;

export const none = (): Record<Level, number> => ({ error: 0, warn: 0, info: 0, debug: 0 });

export function placeOf(position: string): Place {
  const [segment = 0, offset = 0] = position.split("-").map(Number);
  return [segment, offset];
}

export const isBefore = ([segment, offset]: Place, [other, behind]: Place) =>
  segment < other || (segment === other && offset < behind);

export class Windows {
  chunks: Chunk[] = [];
  /** Which line each chunk begins with, from 0. */
  starts: number[] = [];
  total = 0;
  counts = none();
  /** Whether what is before the newest lines is known: only then lines have numbers. */
  isComplete = false;
  /** Lines that came to stand before those that were here first. */
  shifted = 0;
  private turn = 0;

  private settle(): void {
    this.starts = [];
    this.total = 0;
    for (const chunk of this.chunks) {
      this.starts.push(this.total);
      this.total += chunk.count;
    }
  }

  /** Newest lines, behind all that is here. */
  append(lines: Shown[]): void {
    for (const line of lines) {
      let last = this.chunks.at(-1);
      if (!last?.lines || last.count >= LONG || last.lines.length !== last.count) {
        last = {
          position: line.position,
          place: placeOf(line.position),
          count: 0,
          from: line.time,
          to: line.time,
          levels: none(),
          lines: [],
          isWanted: false,
          seen: this.turn,
        };
        this.starts.push(this.total);
        this.chunks.push(last);
      }
      last.lines?.push(line);
      last.count += 1;
      last.to = line.time;
      last.levels[line.level] += 1;
      this.counts[line.level] += 1;
      this.total += 1;
    }
    this.letGo();
  }

  /** All that is before what is here. */
  prepend(told: Told[]): void {
    const before: Chunk[] = [];
    for (const { position, at, until, lines, levels } of told) {
      for (const level of Object.keys(levels) as Level[]) this.counts[level] += levels[level];
      if (lines === 0) continue;
      before.push({
        position,
        place: placeOf(position),
        count: lines,
        from: Date.parse(at),
        to: Date.parse(until),
        levels,
        lines: null,
        isWanted: false,
        seen: 0,
      });
    }
    this.chunks = [...before, ...this.chunks];
    const was = this.total;
    this.settle();
    this.shifted += this.total - was;
    this.isComplete = true;
  }

  /** What the newest lines' levels are beside those that are shown. */
  count(levels: Record<Level, number>): void {
    for (const level of Object.keys(levels) as Level[]) this.counts[level] += levels[level];
  }

  /** The chunk that a line belongs to. */
  chunkAt(index: number): number {
    let [low, high] = [0, this.chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  line(index: number): Shown | undefined {
    const at = this.chunkAt(index);
    return this.chunks[at]?.lines?.[index - (this.starts[at] ?? 0)];
  }

  /** Where the line of a position stands, or where it would; -1 where nothing is known of there yet. */
  chunkOf(position: string): number {
    const place = placeOf(position);
    if (!this.chunks[0] || (isBefore(place, this.chunks[0].place) && !this.isComplete)) return -1;
    let [low, high] = [0, this.chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const chunk = this.chunks[middle];
      if (chunk && !isBefore(place, chunk.place)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The line of a position; without it the next one that is shown. `undefined` where its chunk isn't here. */
  indexOf(position: string): number | undefined {
    const at = this.chunkOf(position);
    const chunk = this.chunks[at];
    if (!chunk?.lines) return undefined;
    const place = placeOf(position);
    const found = chunk.lines.findIndex((line) => !isBefore(placeOf(line.position), place));
    const index = (this.starts[at] ?? 0) + (found < 0 ? chunk.count : found);
    return Math.min(index, this.total - 1);
  }

  /** What has to be fetched for these lines to be seen, and that it will be. */
  want(first: number, last: number): Chunk[] {
    this.turn += 1;
    const wanted: Chunk[] = [];
    if (this.total === 0) return wanted;
    const end = this.chunkAt(Math.max(first, last));
    for (let at = this.chunkAt(first); at <= end; at += 1) {
      const chunk = this.chunks[at];
      if (!chunk) continue;
      chunk.seen = this.turn;
      if (chunk.lines || chunk.isWanted) continue;
      chunk.isWanted = true;
      wanted.push(chunk);
    }
    return wanted;
  }

  fill(chunk: Chunk, lines: Shown[]): void {
    chunk.lines = lines.slice(0, chunk.count);
    chunk.isWanted = false;
    this.letGo();
  }

  /** What wasn't looked at for longest goes; the newest stay. */
  private letGo(): void {
    const held = this.chunks.filter((chunk, at) => chunk.lines && at < this.chunks.length - 1);
    if (held.length < HELD) return;
    held.sort((one, other) => one.seen - other.seen);
    for (const chunk of held.slice(0, held.length - HELD + 1)) chunk.lines = null;
  }

  /** Those that are here of so many lines. */
  between(first: number, last: number): Shown[] {
    const lines: Shown[] = [];
    for (let at = this.chunkAt(first); at < this.chunks.length && (this.starts[at] ?? 0) <= last; at += 1) {
      const [chunk, start] = [this.chunks[at], this.starts[at] ?? 0];
      append(lines, chunk?.lines?.slice(Math.max(0, first - start), last - start + 1) ?? []);
    }
    return lines;
  }
}
