import { describe, expect, test } from "vitest";
import { pieces, plain, shown, takeEvents } from "./lines";

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

  test("the level is what the server says", () => {
    expect(shown({ ...line("\u001b[31mno\u001b[0m"), level: "error" })).toMatchObject({ level: "error", bare: "no" });
    expect(shown(line("no")).level).toBe("info");
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
