// How many of a row's actions stand in it whole: as many as there is room for.

import { type RefObject, useLayoutEffect, useRef, useState } from "react";

/** Around a word, and between two chips: as their styles have it. */
const PADDING = 14;
const GAP = 5;
const FONT = '12px "Inter Variable", system-ui, sans-serif';
/** Rows aren't drawn anew for each pixel of a window that is being resized. */
const STEP = 8;
/** Until it is measured. */
const USUAL = 280;

const measured = new Map<string, number>();
let pen: CanvasRenderingContext2D | null = null;

function widthOf(word: string): number {
  const known = measured.get(word);
  if (known !== undefined) return known;
  pen ??= document.createElement("canvas").getContext("2d");
  if (!pen) return word.length * 7;
  pen.font = FONT;
  const { width } = pen.measureText(word);
  // What is measured before the letters are there is of others.
  if (document.fonts.check(FONT)) measured.set(word, width);
  return width;
}

/** At least one; beside them stands how many others there are, if there are any. */
export function fitting(words: string[], room: number, width = widthOf): number {
  const wide = (word: string) => width(word) + PADDING + GAP;
  let used = -GAP;
  let count = 0;
  for (const [at, word] of words.entries()) {
    used += wide(word);
    const others = words.length - at - 1;
    if (used + (others > 0 ? wide(`+${others}`) : 0) <= room) count = at + 1;
  }
  return Math.max(1, count);
}

/** What a line of actions has in a table of members, found from a place in its head. All rows have the same. */
export function useRoom(rows: unknown): [RefObject<HTMLSpanElement | null>, number] {
  const place = useRef<HTMLSpanElement>(null);
  const [room, setRoom] = useState(USUAL);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first row that has such a line may come later
  useLayoutEffect(() => {
    const table = place.current?.closest("table");
    if (!table) return;
    const measure = () => {
      const cell = table.querySelector('td[data-cell="do"]:not([data-owner])');
      if (!cell) return;
      const { paddingLeft, paddingRight } = getComputedStyle(cell);
      const inside = cell.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
      if (inside > 0) setRoom(Math.floor(inside / STEP) * STEP);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(table);
    return () => observer.disconnect();
  }, [rows]);
  return [place, room];
}
