import { expect, it } from "vitest";
import type { SettingsPart } from "@/api/generated";
import { bytesOf, kept, lineOf, size, thousandthsOf, undoneOf } from "./words";

it("reads and writes a size as people do", () => {
  for (const [typed, bytes] of [
    ["512 MiB", 2 ** 29],
    ["1g", 2 ** 30],
    ["1.5 GiB", 1.5 * 2 ** 30],
    ["1024", 1024],
    ["", null],
    ["much", undefined],
    ["-1 GiB", undefined],
  ] as const)
    expect(bytesOf(typed), typed).toBe(bytes);
  expect([size(2 ** 29), size(2 ** 30), size(1000)]).toEqual(["512 MiB", "1 GiB", "1000 bytes"]);
  expect([thousandthsOf("1.5"), thousandthsOf("0,25"), thousandthsOf(""), thousandthsOf("a")]).toEqual([
    1500,
    250,
    null,
    undefined,
  ]);
});

const part = (some: Partial<SettingsPart>): SettingsPart => ({
  setting: "environment",
  name: null,
  turn: "changed",
  before: null,
  after: null,
  secret: false,
  ...some,
});

it("says what a change did, and of a secret only that", () => {
  expect(lineOf(part({ name: "A", before: "1", after: "2" }))).toEqual({ what: "Changed A", detail: "1 → 2" });
  expect(lineOf(part({ name: "KEY", secret: true }))).toEqual({ what: "Changed KEY", detail: "secret" });
  expect(lineOf(part({ setting: "memory", after: "536870912", turn: "added" }))).toEqual({
    what: "Memory",
    detail: "the usual → 512 MiB",
  });
  expect(lineOf(part({ setting: "domain", name: "a.example", turn: "removed" })).what).toBe("Removed a.example");
  expect(kept([part({ name: "KEY", secret: true }), part({ name: "NEW", secret: true, turn: "added" })])).toEqual([
    "KEY",
  ]);
});

it("says what will be once a change is undone, and that a secret which goes is gone for good", () => {
  const undone = (some: Partial<SettingsPart>) => {
    const line = undoneOf(part(some));
    return line && [line.what, line.detail];
  };
  expect(undone({ name: "A", before: "1", after: "2" })).toEqual(["A", "1"]);
  expect(undone({ name: "A", turn: "added", after: "2" })).toEqual(["A is removed", ""]);
  expect(undone({ name: "A", turn: "removed", before: "1" })).toEqual(["A", "1"]);
  const goes = "KEY is removed for good: values of secrets aren't kept";
  expect(undone({ name: "KEY", turn: "added", secret: true })).toEqual([goes, ""]);
  expect(undone({ name: "KEY", secret: true })).toBeNull();
  expect(undone({ setting: "memory", before: "536870912" })).toEqual(["Memory", "512 MiB"]);
  expect(undone({ setting: "memory", after: "536870912", turn: "added" })).toEqual(["Memory", "the usual"]);
  expect(undone({ setting: "domain", name: "a.example", turn: "added" })).toEqual(["a.example is removed", ""]);
});
