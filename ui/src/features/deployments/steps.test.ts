import { expect, test } from "vitest";
import type { Deployment } from "@/api/nouns";
import { furthest, steps } from "./steps";

type Cause = Deployment["cause"];
const told = (status: Deployment["status"], step: string, cause: Cause = "push") => ({ status, step, cause });
const states = (status: Deployment["status"], step: string, cause?: Cause) =>
  steps(told(status, step, cause)).map(({ state }) => state);
const present = (step: string, cause: Cause, before = "", isRestore = false) =>
  steps(told("running", step, cause), before, isRestore).find(({ state }) => state === "now")?.name;

test("steps before the present one are done, and an end stands where it happened", () => {
  expect(states("queued", "queued")).toEqual(["open", "open", "open", "open", "open", "open"]);
  expect(states("running", "queued")).toEqual(["now", "open", "open", "open", "open", "open"]);
  expect(states("running", "store")).toEqual(["done", "now", "open", "open", "open", "open"]);
  expect(states("failed", "release")).toEqual(["done", "done", "failed", "open", "open", "open"]);
  expect(states("cancelled", "build")).toEqual(["done", "cancelled", "open", "open", "open", "open"]);
  expect(states("cancelled", "queued")).toEqual(["open", "open", "open", "open", "open", "open"]);
  expect(states("superseded", "queued")).toEqual(["open", "open", "open", "open", "open", "open"]);
  expect(states("succeeded", "settle")).toEqual(["done", "done", "done", "done", "done", "done"]);
});

test("while its database is prepared, what was done stays done", () => {
  expect(states("running", "database")).toEqual(["done", "done", "now", "open", "open", "open"]);
});

test("a step that isn't known makes none of the others not begun", () => {
  expect(steps(told("running", "polish"), "store").map(({ state }) => state)).toEqual([
    "done",
    "now",
    "open",
    "open",
    "open",
    "open",
  ]);
  const alone = steps(told("running", "polish"));
  expect(alone.at(-1)).toEqual({ name: "polish", state: "now" });
  expect(alone.slice(0, -1).every(({ state }) => state === "untold")).toBe(true);
  expect(steps(told("failed", "polish")).at(-1)?.state).toBe("failed");
});

test("a restore has steps of its own", () => {
  const names = steps(told("running", "restore", "restore")).map(({ name }) => name);
  expect(names).toEqual(["Back up", "Restore", "Check", "Release", "Start", "Health", "Switch"]);
  for (const step of ["repository", "database", "store", "verify"]) expect(present(step, "restore")).toBe("Back up");
  expect(present("restore", "restore")).toBe("Restore");
  expect(present("check", "restore")).toBe("Check");
  expect(present("stop", "restore")).toBe("Start");
});

test("what is called as an earlier step of a restore takes nothing back", () => {
  expect(present("fetch", "restore", "check")).toBe("Check");
  expect(present("store", "restore", "build")).toBe("Release");
  const all = ["fetch", "database", "store", "restore", "check", "fetch", "read", "build", "store", "stop", "health"];
  const seen: string[] = [];
  let before = "";
  for (const step of all) {
    seen.push(present(step, "restore", before) ?? "");
    before = furthest(told("running", step, "restore"), before);
  }
  const [back, again] = ["Back up", "Release"];
  expect(seen).toEqual([back, back, back, "Restore", "Check", "Check", again, again, again, "Start", "Health"]);
});

test("a copy of a backup begins with it, and a roll back with its start", () => {
  expect(present("restore", "create")).toBe("Restore");
  expect(present("fetch", "create", "", true)).toBe("Restore");
  expect(present("read", "create", "check", true)).toBe("Release");
  expect(present("fetch", "create")).toBe("Fetch");
  expect(steps(told("running", "start", "rollback")).map(({ name }) => name)).toEqual(["Start", "Health", "Switch"]);
});
