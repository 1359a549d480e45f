import { describe, expect, test } from "vitest";
import { append, levelOf, MOST, plain, takeEvents } from "./lines";

const line = (text: string, stream = "stdout") => ({ position: "1-0", at: "", stream, text });

describe("lines of a log", () => {
  test("no sequence of a terminal is left", () => {
    expect(plain("\u001b[31mred\u001b[0m \u001b]0;title\u0007done\u001b[2J")).toBe("red done");
    expect(plain("a\u0008b\rc")).toBe("a\ufffdb\ufffdc");
  });

  test("levels are told by what a line says", () => {
    expect(levelOf(line("ERROR: no"))).toBe("error");
    expect(levelOf(line("warning: soon"))).toBe("warn");
    expect(levelOf(line("GET /terror 200"))).toBe(null);
    expect(levelOf(line("Deployed.", "stoa"))).toBe("stoa");
  });

  test("the oldest lines go", () => {
    const many = Array.from({ length: MOST }, (_, number) => line(String(number)));
    const all = append(many, [line("new")]);
    expect(all).toHaveLength(MOST);
    expect(all.at(-1)?.text).toBe("new");
    expect(all[0]?.text).toBe("1");
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
