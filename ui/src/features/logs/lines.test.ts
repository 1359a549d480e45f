import { describe, expect, test } from "vitest";
import { append, emptyBuffer, levelOf, pieces, plain, shown, takeEvents } from "./lines";

const line = (text: string, stream = "stdout") => ({ position: "1-0", at: "", stream, text });

describe("lines of a log", () => {
  test("no sequence of a terminal is left in plain text", () => {
    expect(plain("\u001b[31mred\u001b[0m \u001b]0;title\u0007done\u001b[2J")).toBe("red done");
    expect(plain("a\u0008b\rc")).toBe("a\ufffdb\ufffdc");
    expect(plain("paid \u202e000,1\u202c")).toBe("paid \ufffd000,1\ufffd");
  });

  test("colours are kept, and nothing else of a terminal", () => {
    expect(pieces("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007done\u001b[2J\u0008")).toEqual([
      { text: "red", colour: "red", isBold: true },
      { text: " ", colour: null, isBold: false },
      { text: "done", colour: null, isBold: false },
      { text: "\ufffd", colour: null, isBold: false },
    ]);
    // The 1 of a colour among 256 is no bold.
    expect(pieces("\u001b[38;5;1mx")).toEqual([{ text: "x", colour: null, isBold: false }]);
    expect(pieces("")).toEqual([]);
  });

  test("levels are told by what a line says", () => {
    expect(levelOf(line("ERROR: no"))).toBe("error");
    expect(levelOf(line("warning: soon"))).toBe("warn");
    expect(levelOf(line("DEBUG hit"))).toBe("debug");
    expect(levelOf(line("GET /terror 200"))).toBe("info");
    expect(levelOf(line("Failed: no", "stoa"))).toBe("error");
    expect(shown(line("\u001b[31mERROR\u001b[0m no")).level).toBe("error");
  });

  test("the oldest lines go, and their counts with them", () => {
    const buffer = emptyBuffer();
    append(
      buffer,
      Array.from({ length: 10 }, (_, number) => shown(line(number === 0 ? "error" : String(number)))),
      10,
    );
    expect(buffer.counts.error).toBe(1);
    append(buffer, [shown(line("new"))], 10);
    expect(buffer.lines).toHaveLength(9);
    expect(buffer.lines[0]?.text).toBe("2");
    expect(buffer.lines.at(-1)?.text).toBe("new");
    expect(buffer.counts).toEqual({ error: 0, warn: 0, info: 9, debug: 0 });
    expect(buffer.dropped).toBe(2);
  });

  test("events are taken whole", () => {
    const { events, rest } = takeEvents(': \n\nid: 1\ndata: {"a":1}\n\nevent: end\ndata: {}\n\nid: 2\nda');
    expect(events).toEqual([
      { type: "message", data: '{"a":1}' },
      { type: "end", data: "{}" },
    ]);
    expect(rest).toBe("id: 2\nda");
  });
});
