// Where each line stands when long ones are wrapped. What is told of lines that aren't in the page is an estimate by
// their letters; those that are there stand one below the other, whatever their height turns out to be.

import type { Shown } from "./lines";

export const ROW = 20;

export class Heights {
  private lines: Shown[] = [];
  private first: Shown | undefined;
  private columns = 0;
  /** ends[i] is how many rows the lines up to and with i take. */
  private ends: number[] = [];

  /** `columns` letters fit into a row; 0 where nothing is wrapped. */
  of(lines: Shown[], columns: number): this {
    const isSame = lines === this.lines && lines[0] === this.first && columns === this.columns;
    if (!isSame || lines.length < this.ends.length) {
      this.lines = lines;
      this.first = lines[0];
      this.columns = columns;
      this.ends = [];
    }
    if (columns > 0)
      for (let at = this.ends.length; at < lines.length; at += 1)
        this.ends.push((this.ends[at - 1] ?? 0) + Math.max(1, Math.ceil((lines[at]?.bare.length ?? 0) / columns)));
    return this;
  }

  /** The upper edge of a line in pixels; of the one behind the last, the height of all. */
  top(at: number): number {
    return ROW * (this.columns > 0 ? (this.ends[at - 1] ?? 0) : at);
  }

  /** The line at a height. */
  at(pixels: number): number {
    const row = Math.floor(pixels / ROW);
    if (this.columns === 0) return Math.min(row, Math.max(0, this.lines.length - 1));
    let [low, high] = [0, Math.max(0, this.ends.length - 1)];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] ?? 0) > row) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
