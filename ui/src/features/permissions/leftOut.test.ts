import { expect, test } from "vitest";
import { Problem } from "@/api/problem";
import { goneIn, leftOut } from "./leftOut";

const refused = (...errors: { field: string; code: string; detail: string }[]) =>
  new Problem({ status: 422, code: "invalid", title: "", detail: "", errors });
const unknown = (field: string) => ({ field, code: "unknown", detail: "There is no member with the id m2 here." });
const named = (name: string) => ({ account: { name } }) as Parameters<typeof leftOut>[0][number];

test("whom the server doesn't know is told by the place at which they were sent", () => {
  const sent = [{ id: "m1" }, { id: "m2" }, { id: "m3" }];
  expect(goneIn(refused(unknown("members.1.id")), sent)).toEqual(["m2"]);
  expect(goneIn(refused(unknown("members.7.id")), sent)).toEqual([]);
});

test("a project that is unknown is nobody who is gone, nor is another fault of a member", () => {
  const sent = [{ id: "m1" }];
  expect(goneIn(refused(unknown("projects.0")), sent)).toEqual([]);
  expect(goneIn(refused({ field: "members.0.id", code: "twice", detail: "" }), sent)).toEqual([]);
});

test("who is left out is told by name, and that the others can be saved", () => {
  expect(leftOut([named("Bo")], 3)).toBe(
    "Bo isn't a plain member here any more, and is left out. Nothing was saved yet; the others can be.",
  );
  expect(leftOut([named("Bo"), named("Dora")], 0)).toBe(
    "Bo and Dora aren't plain members here any more, and are left out. Nothing is left to set.",
  );
  const many = Array.from({ length: 15 }, (_, at) => named(`M${at}`));
  expect(leftOut(many, 1)).toContain("M11 and 3 more aren't");
});
