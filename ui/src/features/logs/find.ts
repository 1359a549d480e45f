// Finding in lines that are added to in place: what was looked through once isn't looked through again.

import type { Shown } from "./lines";

export class Finder {
  private lines: Shown[] = [];
  private first: Shown | undefined;
  private text = "";
  private seen = 0;
  private found: number[] = [];

  /** The places of the lines that hold `text`, whatever its case; none for no text. */
  in(lines: Shown[], text: string): number[] {
    const sought = text.toLowerCase();
    // Another text, another list, or one that lost its oldest lines: from the beginning.
    if (sought !== this.text || lines !== this.lines || lines[0] !== this.first || lines.length < this.seen) {
      this.lines = lines;
      this.first = lines[0];
      this.text = sought;
      this.seen = 0;
      this.found = [];
    }
    if (!sought) return this.found;
    const before = this.found.length;
    const more: number[] = [];
    for (; this.seen < lines.length; this.seen += 1)
      if (lines[this.seen]?.bare.toLowerCase().includes(sought)) more.push(this.seen);
    if (more.length > 0) this.found = before === 0 ? more : [...this.found, ...more];
    return this.found;
  }
}
