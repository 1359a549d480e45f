// Where each line stands. Long lines may be wrapped: of those that were drawn it is measured, of others that are here it
// is worked out by their letters, and of the rest it is remembered, or taken for one row. And because browsers end at
// some 17 million pixels, a log that is higher is scrolled in an area that isn't, whose bar stands for all of it.

import type { Shown } from "./lines";
import type { Chunk, Windows } from "./windows";

export const ROW = 20;
/** Pixels of the area that is scrolled, at most. */
export const HIGHEST = 10_000_000;

/**
 * How lines are set, as the stylesheet has it and a test of the page measures: pixels of a row, what a line has more
 * than its rows, a letter, and what stands beside the text. Numbers of lines have so many letters more where they show.
 */
export type Setting = { row: number; over: number; letter: number; beside: number };
export const BROAD: Setting = { row: ROW, over: 0, letter: 7.2, beside: 269 };
export const SLIM: Setting = { row: 17, over: 4, letter: 6.6, beside: 81 };

/** Letters that fit into a row beside numbers of so many digits. */
export const columnsOf = ({ letter, beside }: Setting, width: number, digits: number): number =>
  Math.max(20, Math.floor((width - beside) / letter) - digits);

export class Layout {
  private heights = new WeakMap<Chunk, { columns: number; height: number; count: number }>();
  /** Of lines that were drawn, what they took. */
  private measured = new WeakMap<Shown, number>();
  private tops: number[] = [];
  private whole = 0;
  private windows: Windows | null = null;
  private columns = 0;
  private setting = BROAD;

  /** `columns` letters fit into a row; 0 where nothing is wrapped. */
  of(windows: Windows, columns: number, setting: Setting = BROAD): this {
    if (columns !== this.columns || setting !== this.setting) this.measured = new WeakMap();
    if (setting !== this.setting) this.heights = new WeakMap();
    this.windows = windows;
    this.columns = columns;
    this.setting = setting;
    if (columns === 0) return this;
    this.tops = [];
    this.whole = 0;
    for (const chunk of windows.chunks) {
      this.tops.push(this.whole);
      this.whole += this.heightIn(chunk);
    }
    return this;
  }

  /** What a line takes. It breaks between words, so the letters alone don't tell. */
  private heightOf(line: Shown | undefined): number {
    const { row, over } = this.setting;
    if (!line) return row + over;
    return this.measured.get(line) ?? row * Math.max(1, Math.ceil(line.bare.length / this.columns)) + over;
  }

  private heightIn(chunk: Chunk): number {
    const known = this.heights.get(chunk);
    if (known && known.columns === this.columns && (known.count === chunk.count || !chunk.lines)) return known.height;
    const one = this.heightOf(undefined);
    if (!chunk.lines) return one * chunk.count;
    let height = one * (chunk.count - chunk.lines.length);
    for (const line of chunk.lines) height += this.heightOf(line);
    this.heights.set(chunk, { columns: this.columns, height, count: chunk.count });
    return height;
  }

  /** What lines took when they were drawn. Whether any of it is other than it was taken for: then lines have moved. */
  measure(drawn: Iterable<[index: number, height: number]>): boolean {
    const windows = this.windows;
    if (this.columns === 0 || !windows) return false;
    let hasMoved = false;
    for (const [index, height] of drawn) {
      const line = windows.line(index);
      if (!line || Math.abs(height - this.heightOf(line)) < 0.5) continue;
      this.measured.set(line, height);
      const chunk = windows.chunks[windows.chunkAt(index)];
      if (chunk) this.heights.delete(chunk);
      hasMoved = true;
    }
    return hasMoved;
  }

  /** The height of all. */
  get height(): number {
    return this.columns > 0 ? this.whole : this.heightOf(undefined) * (this.windows?.total ?? 0);
  }

  /** The upper edge of a line in pixels. */
  top(index: number): number {
    const windows = this.windows;
    if (this.columns === 0 || !windows) return this.heightOf(undefined) * index;
    if (index >= windows.total) return this.height;
    const at = windows.chunkAt(index);
    const [chunk, within] = [windows.chunks[at], index - (windows.starts[at] ?? 0)];
    let top = this.tops[at] ?? 0;
    for (let line = 0; line < within; line += 1) top += this.heightOf(chunk?.lines?.[line]);
    return top;
  }

  /** The line at a height. */
  at(pixels: number): number {
    const windows = this.windows;
    if (!windows || windows.total === 0) return 0;
    const y = Math.max(0, pixels);
    if (this.columns === 0) return Math.min(Math.floor(y / this.heightOf(undefined)), windows.total - 1);
    let [low, high] = [0, windows.chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.tops[middle] ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    const [chunk, start] = [windows.chunks[low], windows.starts[low] ?? 0];
    let end = this.tops[low] ?? 0;
    for (let line = 0; line < (chunk?.count ?? 0); line += 1) {
      end += this.heightOf(chunk?.lines?.[line]);
      if (end > y) return start + line;
    }
    return start + Math.max(0, (chunk?.count ?? 1) - 1);
  }
}

/** Where somebody is in what is higher than a browser can be. */
export class Scroll {
  /** Pixels of the whole above the upper edge of what is seen. */
  y = 0;
  private bar = 0;

  /** The height that the area is given. */
  static area = (height: number) => Math.min(height, HIGHEST);

  /** The bar moved. Near steps go as far as they look; a far one goes to where the bar stands in the whole. */
  moved(bar: number, height: number, seen: number): number {
    const most = Math.max(0, height - seen);
    const end = Scroll.area(height) - seen;
    const by = bar - this.bar;
    this.bar = bar;
    if (height <= HIGHEST) this.y = bar;
    else if (bar <= 0) this.y = 0;
    else if (bar >= end - 1) this.y = most;
    else if (Math.abs(by) > 2 * seen) this.y = (bar / end) * most;
    else this.y = Math.min(most, Math.max(0, this.y + by));
    // Where the area ends before the whole does, the bar is set back.
    const isNarrow =
      height > HIGHEST && (bar < seen ? this.y > 2 * seen : bar > end - seen && this.y < most - 2 * seen);
    return isNarrow ? this.go(this.y, height, seen) : bar;
  }

  /** Goes there; where the bar has to stand then. */
  go(y: number, height: number, seen: number): number {
    const most = Math.max(0, height - seen);
    this.y = Math.min(most, Math.max(0, y));
    const end = Scroll.area(height) - seen;
    this.bar = height <= HIGHEST ? this.y : Math.round((this.y / most) * end);
    if (height > HIGHEST && this.y > 0 && this.y < most) this.bar = Math.min(end - 2, Math.max(1, this.bar));
    return this.bar;
  }

  /** By how much what is drawn lies above where it stands in the whole. */
  get base(): number {
    return this.y - this.bar;
  }
}
