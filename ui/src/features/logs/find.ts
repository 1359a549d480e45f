// Where a text is in a log: what the server has found in all of it, and what came since.

import type { Told, Windows } from "./windows";

export class Finding {
  /** Lines that hold it, by where they stand, from 0. */
  found: number[] = [];
  /** How many there are, also beyond those that are told. */
  hits = 0;
  isComplete = false;
  /** Lines that were looked through. */
  private looked = 0;

  constructor(readonly text: string) {}

  take({ lines, found, hits }: Told): void {
    for (const at of found) this.found.push(this.looked + at);
    this.hits += hits;
    this.looked += lines;
  }

  /** Looks through the lines that came since. */
  goOn(windows: Windows): void {
    if (!this.isComplete) return;
    const sought = this.text.toLowerCase();
    for (; this.looked < windows.total; this.looked += 1) {
      if (!windows.line(this.looked)?.bare.toLowerCase().includes(sought)) continue;
      this.found.push(this.looked);
      this.hits += 1;
    }
  }

  /** Which of those that were found is the first from a line on; one behind the last where there is none. */
  from(index: number): number {
    const at = this.found.findIndex((line) => line >= index);
    return at < 0 ? this.found.length : at;
  }

  /**
   * Where going through them begins: with one in sight, or the next in that direction. Where there is none, at the end
   * of them, which is the newest.
   */
  first(by: number, seen: { first: number; last: number }): number {
    const at = by > 0 ? this.from(seen.first) : this.from(seen.last + 1) - 1;
    return at < 0 || at >= this.found.length ? this.found.length - 1 : at;
  }
}
