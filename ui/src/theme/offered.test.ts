import { expect, test } from "vitest";
import { offered } from "./offered";

const options = ["main", "staging", "main-two"].map((name) => ({ value: name, label: name, disabled: false }));
const asked = (search: string, limit = 10) =>
  offered({ options, search, limit }).map((option) => ("label" in option ? option.label : ""));

test("what is typed filters, and what is chosen offers all others", () => {
  expect(asked("")).toEqual(["main", "staging", "main-two"]);
  expect(asked("MAI")).toEqual(["main", "main-two"]);
  expect(asked("main")).toEqual(["main", "staging", "main-two"]);
  expect(asked("main", 2)).toEqual(["main", "staging"]);
  expect(asked("other")).toEqual([]);
});
