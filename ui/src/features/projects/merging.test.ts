import { expect, test } from "vitest";
import { mergeInClone } from "./merging";

test("what is to be run in a clone", () => {
  expect(mergeInClone("https://stoa.example/acme/shop.git", "other", "feature/one")).toBe(
    [
      "git switch other",
      "git pull --no-rebase https://stoa.example/acme/shop.git other",
      "git pull --no-rebase https://stoa.example/acme/shop.git feature/one",
    ].join("\n"),
  );
});

test("a branch's name is no command", () => {
  expect(mergeInClone("https://x", "a;id", "it's").split("\n")).toEqual([
    "git switch 'a;id'",
    "git pull --no-rebase https://x 'a;id'",
    "git pull --no-rebase https://x 'it'\\''s'",
  ]);
});
