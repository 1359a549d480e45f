import { expect, test } from "vitest";
import type { Branch } from "@/api/nouns";
import { afterDeletion, columns, distance } from "./board";

const branch = (name: string, instances: Branch["instances"] = [], at = "2026-01-01"): Branch => ({
  name,
  is_default: name === "main",
  commit: { id: "1", subject: "", author_name: "", author_email: "", at },
  ahead: 0,
  behind: 0,
  instances,
  may: [],
  blocked: {},
});
const on = (stage: "production" | "staging" | "development", id: string) => ({
  id,
  slug: id,
  name: id,
  stage,
  status: "running" as const,
});

test("a branch stands where its instances are, and in development without one", () => {
  const board = columns([branch("main", [on("production", "a"), on("staging", "b")]), branch("idea")]);
  expect(board.production.map(({ branch, instances }) => [branch.name, instances.length])).toEqual([["main", 1]]);
  expect(board.staging.map(({ branch }) => branch.name)).toEqual(["main"]);
  expect(board.development.map(({ branch }) => branch.name)).toEqual(["idea"]);
});

test("newest branches come first", () => {
  const board = columns([branch("old", [], "2026-01-01"), branch("new", [], "2026-02-01")]);
  expect(board.development.map(({ branch }) => branch.name)).toEqual(["new", "old"]);
});

test("the distance is said in words", () => {
  expect(distance(branch("main"), "main")).toBe("default");
  expect(distance({ ...branch("idea"), ahead: 2, behind: 1 }, "main")).toBe("2 ahead, 1 behind");
  expect(distance({ ...branch("idea"), ahead: 2 }, "main")).toBe("2 ahead of main");
  expect(distance({ ...branch("idea"), behind: 1 }, "main")).toBe("1 behind main");
  expect(distance(branch("idea"), "main")).toBe("even with main");
  expect(distance({ ...branch("idea"), ahead: null, behind: null }, "main")).toBe("main is gone");
});

test("a deleted branch stays, below those that are there, and says what comes next", () => {
  const gone = { ...branch("main", [on("production", "a")]), commit: null };
  const board = columns([gone, branch("idea", [on("production", "b")])]);
  expect(board.production.map(({ branch }) => branch.name)).toEqual(["idea", "main"]);
  expect(distance(gone, "main")).toBe("deleted");
  expect(afterDeletion({ branch: gone, instances: gone.instances })).toMatch(
    /default branch was deleted.*nothing new is deployed/,
  );
  expect(afterDeletion({ branch: branch("idea"), instances: [] })).toBeNull();
});
