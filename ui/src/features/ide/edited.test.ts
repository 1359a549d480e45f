import { Text } from "@codemirror/state";
import { describe, expect, test } from "vitest";
import { between, counted, edited, linesOf } from "./edited";

describe("a proposed edit", () => {
  test("stands in the place of its lines, and leaves the others", () => {
    expect(edited("a\nb\nc\n", { from: 2, to: 2, text: "x\ny" })).toBe("a\nx\ny\nc\n");
    expect(edited("a\nb\n", { from: 1, to: 3, text: "x\n" })).toBe("x\n");
    expect(edited("", { from: 1, to: 1, text: "x\n" })).toBe("x\n");
  });

  test("is counted in lines, wherever they are", () => {
    expect(counted("a\nb\nc\n", "a\nx\ny\nc\n")).toEqual({ added: 2, removed: 1 });
    expect(counted("a\nb\nc\nd", "x\nb\nc\ny")).toEqual({ added: 2, removed: 2 });
    expect(counted("a\n", "a\n")).toEqual({ added: 0, removed: 0 });
    expect(counted("", "a")).toEqual({ added: 1, removed: 1 });
  });
});

test("what differs between two texts is one change", () => {
  const changed = (old: string, now: string) => {
    const { from, to, insert } = between(old, now);
    expect(old.slice(0, from) + insert + old.slice(to)).toBe(now);
    return insert;
  };
  expect(changed("one two three", "one 2 three")).toBe("2");
  expect(changed("aa", "aaa")).toBe("a");
  expect(changed("aaa", "aa")).toBe("");
  expect(changed("", "x")).toBe("x");
  expect(changed("x", "")).toBe("");
});

test("a selection is of whole lines", () => {
  const text = Text.of(["one", "two", "three"]);
  const of = (from: number, to: number) => linesOf({ from, to }, (at) => text.lineAt(at));
  expect(of(5, 5)).toBeNull();
  expect(of(1, 2)).toEqual({ from: 1, to: 1 });
  expect(of(1, 5)).toEqual({ from: 1, to: 2 });
  // Drawn over a line with its end: the next one isn't meant.
  expect(of(0, 4)).toEqual({ from: 1, to: 1 });
  expect(of(4, 13)).toEqual({ from: 2, to: 3 });
});
