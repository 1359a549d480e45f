import { expect, test } from "vitest";
import { Finder } from "./find";
import { type Shown, shown } from "./lines";

const line = (text: string): Shown => shown({ position: text, at: "2026-01-01T00:00:00.000Z", stream: "stdout", text });

test("lines are found whatever the case, and colours don't come between letters", () => {
  const lines = [line("Order 1"), line("nothing"), line("the \u001b[31mor\u001b[0mder")];
  expect(new Finder().in(lines, "ORDER")).toEqual([0, 2]);
  expect(new Finder().in(lines, "")).toEqual([]);
});

test("lines that came since are found too, and another text begins anew", () => {
  const finder = new Finder();
  const lines = [line("order"), line("cart")];
  expect(finder.in(lines, "order")).toEqual([0]);
  lines.push(line("order again"));
  expect(finder.in(lines, "order")).toEqual([0, 2]);
  expect(finder.in(lines, "cart")).toEqual([1]);
});

test("when the oldest lines went, the places are those of today", () => {
  const finder = new Finder();
  const lines = [line("order"), line("cart"), line("order two")];
  expect(finder.in(lines, "order")).toEqual([0, 2]);
  lines.splice(0, 1);
  lines.push(line("order three"));
  expect(finder.in(lines, "order")).toEqual([1, 2]);
});
