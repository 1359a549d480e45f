// A proposed edit upon the text that it was proposed for.

import type { Edited } from "@/api/generated";

/** The first and the last of some lines, from 1. */
export type Lines = { from: number; to: number };

/** The text with the lines of an edit in their place. */
export function edited(text: string, { from, to, text: proposed }: Pick<Edited, "from" | "to" | "text">): string {
  const lines = text.split("\n");
  return [...lines.slice(0, from - 1), ...proposed.split("\n"), ...lines.slice(to)].join("\n");
}

/** The one change that makes a text another: all between the letters that both begin and end with. */
export function between(old: string, now: string): { from: number; to: number; insert: string } {
  const most = Math.min(old.length, now.length);
  let begin = 0;
  while (begin < most && old[begin] === now[begin]) begin += 1;
  let end = 0;
  while (end < most - begin && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  return { from: begin, to: old.length - end, insert: now.slice(begin, now.length - end) };
}

/** How many lines differ, without those at the beginning and at the end that both have. */
export function counted(before: string, after: string): { added: number; removed: number } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  // The longest run of lines that both have, in order: what isn't in it was added or removed.
  let row = new Array<number>(now.length + 1).fill(0);
  let begin = 0;
  while (begin < old.length && begin < now.length && old[begin] === now[begin]) begin += 1;
  let end = 0;
  while (
    end < old.length - begin &&
    end < now.length - begin &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  )
    end += 1;
  const [mineOld, mineNow] = [old.slice(begin, old.length - end), now.slice(begin, now.length - end)];
  for (const line of mineOld) {
    const next = new Array<number>(now.length + 1).fill(0);
    mineNow.forEach((other, at) => {
      next[at + 1] = line === other ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0);
    });
    row = next;
  }
  const same = row[mineNow.length] ?? 0;
  return { added: mineNow.length - same, removed: mineOld.length - same };
}

/** The whole lines of a selection; null where nothing is selected. One that ends before a line's first letter ends there. */
export function linesOf(
  selection: { from: number; to: number },
  lineAt: (at: number) => { number: number; from: number },
): Lines | null {
  if (selection.from === selection.to) return null;
  const [first, last] = [lineAt(selection.from), lineAt(selection.to)];
  const isBefore = last.from === selection.to && last.number > first.number;
  return { from: first.number, to: isBefore ? last.number - 1 : last.number };
}
