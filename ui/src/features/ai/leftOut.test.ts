import { expect, test } from "vitest";
import { leftOut } from "./leftOut";

test("what a proposal leaves out is said, a little of it by name", () => {
  expect(leftOut({ unknown: [], not_shown: 0 })).toBe("");
  expect(leftOut({ unknown: ["fly"], not_shown: 0 })).toBe("Left out, because there is no such thing: “fly”. ");
  expect(leftOut({ unknown: ["a", "b", "c", "d", "e"], not_shown: 1200 })).toBe(
    "Left out, because there is no such thing: “a”, “b”, “c” and 2 more. There is too much to show all of it: 1,200 were not, and stay as they are. ",
  );
});
