import { expect, it } from "vitest";
import type { Change } from "@/api/generated";
import { differsBelow, letterAt, letterOf, lettersOf } from "./letters";

const change = (path: string, staged: string, unstaged: string, is_conflict = false): Change => ({
  path,
  staged,
  unstaged,
  is_conflict,
  from: null,
});

it("gives each change the one letter that says what became of it", () => {
  expect(letterOf(change("a", ".", "M"))).toBe("M");
  expect(letterOf(change("a", "M", "."))).toBe("M");
  expect(letterOf(change("a", ".", "?"))).toBe("A");
  expect(letterOf(change("a", "A", "M"))).toBe("A");
  expect(letterOf(change("a", "D", "."))).toBe("D");
  expect(letterOf(change("a", "R", "."))).toBe("M");
  expect(letterOf(change("a", "U", "U", true))).toBe("U");
});

it("gives what is in a new folder the folder's letter", () => {
  const letters = lettersOf([change("src/new/", ".", "?"), change("src/old.py", ".", "M")]);
  expect(letterAt(letters, "src/new")).toBe("A");
  expect(letterAt(letters, "src/new/deep/file.py")).toBe("A");
  expect(letterAt(letters, "src/old.py")).toBe("M");
  expect(letterAt(letters, "src/older.py")).toBeUndefined();
  expect(differsBelow(letters, "src")).toBe(true);
  expect(differsBelow(letters, "sr")).toBe(false);
});
