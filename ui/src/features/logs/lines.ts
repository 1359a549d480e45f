// What is done with lines before they are shown. Of an application's escape sequences only colours reach the page.

import type { LogLine } from "@/api/nouns";

export const LEVELS = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof LEVELS)[number];

/** A line with what is worked out once: its moment, and its text without colours. */
export type Shown = LogLine & { level: Level; time: number; bare: string };
export type Colour = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "grey";
export type Piece = { text: string; colour: Colour | null; isBold: boolean };

// Control sequences of terminals (ECMA-48): CSI … final byte, OSC … BEL or ST, and single ones.
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is control characters that are looked for
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// With those that turn the direction of writing (Unicode, bidirectional formatting): a line reads as it was written.
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is control characters that are looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is control characters that are looked for
const LOOK = /^\u001b\[([0-9;]*)m$/;

const COLOURS: (Colour | null)[] = ["grey", "red", "green", "yellow", "blue", "magenta", "cyan", null];

export function plain(text: string): string {
  return text.replace(SEQUENCES, "").replace(CONTROLS, "\ufffd");
}

/** A line in parts of one look. Grounds, cursors and titles are left out. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let colour: Colour | null = null;
  let isBold = false;
  let from = 0;
  const take = (to: number) => {
    if (to > from) found.push({ text: text.slice(from, to).replace(CONTROLS, "\ufffd"), colour, isBold });
  };
  for (const sequence of text.matchAll(SEQUENCES)) {
    take(sequence.index);
    from = sequence.index + sequence[0].length;
    const look = LOOK.exec(sequence[0]);
    if (!look) continue;
    const codes = (look[1] || "0").split(";").map(Number);
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at] ?? 0;
      if (code === 0) [colour, isBold] = [null, false];
      else if (code === 1) isBold = true;
      else if (code === 22) isBold = false;
      else if (code === 39) colour = null;
      else if (code >= 30 && code <= 37) colour = COLOURS[code - 30] ?? null;
      else if (code >= 90 && code <= 97) colour = COLOURS[code - 90] ?? null;
      // 256 and true colours come with arguments, which are no codes themselves.
      else if (code === 38 || code === 48) at += codes[at + 1] === 5 ? 2 : 4;
    }
  }
  take(text.length);
  return found;
}

export function shown(line: LogLine): Shown {
  return { ...line, bare: plain(line.text), level: line.level ?? "info", time: Date.parse(line.at) };
}

/** Adds in place, however many there are. */
export function append<T>(all: T[], more: T[]): void {
  for (const one of more) all.push(one);
}

/** Takes the whole events out of what has arrived so far (the event stream format of HTML). */
export function takeEvents(text: string): { events: { type: string; data: string }[]; rest: string } {
  const parts = text.split("\n\n");
  const rest = parts.pop() ?? "";
  const events = parts.flatMap((part) => {
    const lines = part.split("\n");
    const value = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = value("data");
    return data === undefined ? [] : [{ type: value("event") ?? "message", data }];
  });
  return { events, rest };
}
