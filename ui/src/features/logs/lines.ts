// What is done with lines before they are shown. No escape sequence of an application reaches the page.

import type { LogLine } from "@/api/types";

/** Lines that the page holds at most; older ones stay at the server. */
export const MOST = 20_000;

// Control sequences of terminals (ECMA-48): CSI … final byte, OSC … BEL or ST, and single ones.
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is control characters that are looked for
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is control characters that are looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

export function plain(text: string): string {
  return text.replace(SEQUENCES, "").replace(CONTROLS, "\ufffd");
}

export type Level = "error" | "warn" | "stoa" | null;

/** How a line is coloured: by what it says of itself, else by a word at its beginning. */
export function levelOf(line: LogLine): Level {
  if (line.stream === "stoa") return line.text.startsWith("Failed") ? "error" : "stoa";
  const word = (line.level ?? line.text.slice(0, 80)).toLowerCase();
  if (/\b(error|critical|fatal|exception|traceback)\b/.test(word)) return "error";
  if (/\b(warn|warning)\b/.test(word)) return "warn";
  return null;
}

export function append(lines: LogLine[], more: LogLine[]): LogLine[] {
  const all = lines.concat(more);
  return all.length > MOST ? all.slice(all.length - MOST) : all;
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
