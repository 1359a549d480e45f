import { expect, test } from "vitest";
import { Finding } from "./find";
import { shown } from "./lines";
import { none, type Told, Windows } from "./windows";

const line = (at: number, text: string) =>
  shown({ position: `1-${at}`, at: "2026-01-01T00:00:00.000Z", stream: "stdout", text, level: "info" });
const told = (lines: number, found: number[], hits = found.length): Told => ({
  position: "1-0",
  at: "2026-01-01T00:00:00.000Z",
  until: "2026-01-01T00:00:00.000Z",
  lines,
  levels: none(),
  found,
  hits,
});

test("what the server found stands where it is in the whole, and what came since is found too", () => {
  const windows = new Windows();
  windows.append([line(0, "Order 1"), line(1, "nothing"), line(2, "the \u001b[31mor\u001b[0mder")]);
  const finding = new Finding("order");
  finding.take(told(1, [0]));
  finding.goOn(windows);
  expect(finding.found).toEqual([0]);
  finding.take(told(2, [1]));
  finding.isComplete = true;
  windows.append([line(3, "ORDER 2"), line(4, "end")]);
  finding.goOn(windows);
  finding.goOn(windows);
  expect([finding.found, finding.hits]).toEqual([[0, 2, 3], 3]);
  expect([finding.from(0), finding.from(1), finding.from(9)]).toEqual([0, 1, 3]);
});

test("going through them begins in sight, and else with the newest", () => {
  const finding = new Finding("x");
  finding.take(told(100, [10, 40, 70]));
  expect(finding.first(1, { first: 30, last: 60 })).toBe(1);
  expect(finding.first(-1, { first: 30, last: 60 })).toBe(1);
  expect(finding.first(1, { first: 80, last: 99 })).toBe(2);
  expect(finding.first(-1, { first: 80, last: 99 })).toBe(2);
  expect(finding.first(-1, { first: 0, last: 5 })).toBe(2);
});

test("what isn't told of is counted all the same", () => {
  const finding = new Finding("x");
  finding.take(told(1000, [], 700));
  expect([finding.found, finding.hits]).toEqual([[], 700]);
});
