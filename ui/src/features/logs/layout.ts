// Where each line stands. Long lines may be wrapped: of those that are here it is worked out by their letters, of others
// it is remembered, or taken for one row. And because browsers end at some 17 million pixels, a log that is higher is
// scrolled in an area that isn't, whose bar stands for all of it.

import type { Chunk, Windows } from "./windows";

export const ROW = 20;
/** Pixels of the area that is scrolled, at most. */
export const HIGHEST = 10_000_000;

const rowsOf = (letters: number, columns: number) => Math.max(1, Math.ceil(letters / columns));

export class Layout {
  private rows = new WeakMap<Chunk, { columns: number; rows: number; count: number }>();
  private tops: number[] = [];
  private whole = 0;
  private windows: Windows | null = null;
  private columns = 0;

  /** `columns` letters fit into a row; 0 where nothing is wrapped. */
  of(windows: Windows, columns: number): this {
    this.windows = windows;
    this.columns = columns;
    if (columns === 0) return this;
    this.tops = [];
    this.whole = 0;
    for (const chunk of windows.chunks) {
      this.tops.push(this.whole);
      this.whole += this.rowsIn(chunk);
    }
    return this;
  }

  private rowsIn(chunk: Chunk): number {
    const known = this.rows.get(chunk);
    if (known && known.columns === this.columns && (known.count === chunk.count || !chunk.lines)) return known.rows;
    if (!chunk.lines) return chunk.count;
    let rows = chunk.count - chunk.lines.length;
    for (const { bare } of chunk.lines) rows += rowsOf(bare.length, this.columns);
    this.rows.set(chunk, { columns: this.columns, rows, count: chunk.count });
    return rows;
  }

  /** The height of all. */
  get height(): number {
    return ROW * (this.columns > 0 ? this.whole : (this.windows?.total ?? 0));
  }

  /** The upper edge of a line in pixels. */
  top(index: number): number {
    const windows = this.windows;
    if (this.columns === 0 || !windows) return ROW * index;
    if (index >= windows.total) return this.height;
    const at = windows.chunkAt(index);
    const [chunk, within] = [windows.chunks[at], index - (windows.starts[at] ?? 0)];
    let rows = this.tops[at] ?? 0;
    for (let line = 0; line < within; line += 1) rows += rowsOf(chunk?.lines?.[line]?.bare.length ?? 0, this.columns);
    return ROW * rows;
  }

  /** The line at a height. */
  at(pixels: number): number {
    const windows = this.windows;
    if (!windows || windows.total === 0) return 0;
    const row = Math.max(0, Math.floor(pixels / ROW));
    if (this.columns === 0) return Math.min(row, windows.total - 1);
    let [low, high] = [0, windows.chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.tops[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    const [chunk, start] = [windows.chunks[low], windows.starts[low] ?? 0];
    let rows = this.tops[low] ?? 0;
    for (let line = 0; line < (chunk?.count ?? 0); line += 1) {
      rows += rowsOf(chunk?.lines?.[line]?.bare.length ?? 0, this.columns);
      if (rows > row) return start + line;
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
