// A log that is longer than a page can hold: what there is of it is known by stretches, and of those the few that are
// looked at are here with their lines.

import { append, LEVELS, type Level, type Shown } from "./lines";

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
  /** When each of its errors and warnings was written, where that is known: its lines may have gone meanwhile. */
  times: Partial<Record<Level, number[]>>;
  /** `null`: not here. Fewer than `count` where some are gone from the server meanwhile. */
  lines: Shown[] | null;
  /** Letters of the lines that are here. */
  letters: number;
  isWanted: boolean;
  /** When it was looked at last, in turns of looking. */
  seen: number;
};

/** Lines of one stretch that grows at the end, and letters, as the server's have them too. */
const LONG = 1_000;
const WIDE = 256 * 1024;
/** Errors and warnings of which it is asked when they were written, at most. */
const FEW = 500;
/** Stretches that are here with their lines at most, and letters of them. What is in sight is here in any case. */
const HELD = 40;
const HELD_LETTERS = 8 * 1024 * 1024;

/** What the strip shows. */
const NOTED = ["error", "warn"] as const;

const lettersOf = (lines: Shown[]) => lines.reduce((sum, { text }) => sum + text.length, 0);

export const none = (): Record<Level, number> => ({ error: 0, warn: 0, info: 0, debug: 0 });

/** None of those that aren't among these. */
const but = (of: readonly Level[]) =>
  Object.fromEntries(LEVELS.filter((level) => !of.includes(level)).map((level) => [level, 0]));

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
  private sight = new Set<Chunk>();

  private settle(): void {
    this.starts = [];
    this.total = 0;
    for (const chunk of this.chunks) {
      this.starts.push(this.total);
      this.total += chunk.count;
    }
  }

  /** As if nothing had been told yet. */
  restart(): void {
    this.chunks = [];
    this.settle();
    this.counts = none();
    this.isComplete = false;
  }

  /** Where the newest line stands that is here. */
  get newest(): string | undefined {
    return this.chunks.at(-1)?.lines?.at(-1)?.position;
  }

  /** Newest lines, behind all that is here. */
  append(lines: Shown[]): void {
    for (const line of lines) {
      let last = this.chunks.at(-1);
      const isFull = last && (last.count >= LONG || last.letters >= WIDE || last.lines?.length !== last.count);
      if (!last?.lines || isFull) {
        last = {
          position: line.position,
          place: placeOf(line.position),
          count: 0,
          from: line.time,
          to: line.time,
          levels: none(),
          times: {},
          lines: [],
          letters: 0,
          isWanted: false,
          seen: this.turn,
        };
        this.starts.push(this.total);
        this.chunks.push(last);
      }
      last.lines?.push(line);
      last.letters += line.text.length;
      last.count += 1;
      last.to = line.time;
      last.levels[line.level] += 1;
      this.counts[line.level] += 1;
      this.total += 1;
    }
    this.letGo();
  }

  /** All that is before what is here: lines of these levels, and of the others how many there are. */
  prepend(told: Told[], of: readonly Level[] = LEVELS): void {
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
        levels: { ...levels, ...but(of) },
        times: {},
        lines: null,
        letters: 0,
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
    this.sight.clear();
    const wanted: Chunk[] = [];
    if (this.total === 0) return wanted;
    const end = this.chunkAt(Math.max(first, last));
    for (let at = this.chunkAt(first); at <= end; at += 1) {
      const chunk = this.chunks[at];
      if (!chunk) continue;
      chunk.seen = this.turn;
      this.sight.add(chunk);
      if (chunk.lines || chunk.isWanted) continue;
      chunk.isWanted = true;
      wanted.push(chunk);
    }
    return wanted;
  }

  isInSight(chunk: Chunk): boolean {
    return this.sight.has(chunk);
  }

  fill(chunk: Chunk, lines: Shown[]): void {
    chunk.lines = lines.slice(0, chunk.count);
    chunk.letters = lettersOf(chunk.lines);
    chunk.isWanted = false;
    this.letGo(chunk);
  }

  /** What wasn't looked at for longest goes; what is in sight, what was just fetched and the newest stay. */
  private letGo(fetched?: Chunk): void {
    const held = this.chunks.filter(({ lines }) => lines);
    let letters = held.reduce((sum, chunk) => sum + chunk.letters, 0);
    if (held.length <= HELD && letters <= HELD_LETTERS) return;
    const newest = this.chunks.at(-1);
    const idle = held.filter((chunk) => chunk !== newest && chunk !== fetched && !this.sight.has(chunk));
    idle.sort((one, other) => one.seen - other.seen);
    let count = held.length;
    for (const chunk of idle) {
      if (count <= HELD && letters <= HELD_LETTERS) return;
      letters -= chunk.letters;
      count -= 1;
      this.keepTimes(chunk, chunk.lines ?? [], NOTED);
      chunk.lines = null;
      chunk.letters = 0;
    }
  }

  /** Of a stretch it is kept when its lines of these levels were written, if they are all there. */
  private keepTimes(chunk: Chunk, lines: Shown[], levels: readonly Level[]): void {
    for (const level of levels) {
      const times = lines.filter((line) => line.level === level).map(({ time }) => time);
      if (times.length === chunk.levels[level]) chunk.times[level] = times;
    }
  }

  /** Errors, with the warnings where these are few too, of which it isn't known when they were written; null if none. */
  get untimed(): { from: string; levels: Level[]; count: number } | null {
    for (const levels of [[...NOTED], [NOTED[0]]]) {
      const many = (chunk: Chunk) =>
        chunk.lines ? 0 : levels.reduce((sum, level) => sum + (chunk.times[level] ? 0 : chunk.levels[level]), 0);
      const count = this.chunks.reduce((sum, chunk) => sum + many(chunk), 0);
      const first = this.chunks.find((chunk) => many(chunk) > 0);
      if (first && count <= FEW) return { from: first.position, levels, count };
    }
    return null;
  }

  /** Lines of these levels, wherever they belong. */
  time(lines: Shown[], levels: readonly Level[]): void {
    const by = new Map<Chunk, Shown[]>();
    for (const line of lines) {
      const chunk = this.chunks[this.chunkOf(line.position)];
      if (chunk && !chunk.lines) by.set(chunk, [...(by.get(chunk) ?? []), line]);
    }
    for (const [chunk, own] of by) this.keepTimes(chunk, own, levels);
  }

  /** Whether there is any line from one position to another; `undefined` while that isn't known. */
  holds(first: string, last: string): boolean | undefined {
    if (this.isComplete && this.total === 0) return false;
    const index = this.indexOf(first);
    if (index === undefined) return undefined;
    const found = this.line(index);
    const place = found ? placeOf(found.position) : this.chunks[this.chunkAt(index)]?.place;
    return place !== undefined && !isBefore(place, placeOf(first)) && !isBefore(placeOf(last), place);
  }

  /** Whether all of so many lines are here. */
  has(first: number, last: number): boolean {
    for (let at = this.chunkAt(first); at < this.chunks.length && (this.starts[at] ?? 0) <= last; at += 1)
      if (this.chunks[at]?.lines?.length !== this.chunks[at]?.count) return false;
    return this.total > last;
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
