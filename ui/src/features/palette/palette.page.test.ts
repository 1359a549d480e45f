import { expect, test } from "vitest";
import type { Instance } from "@/api/nouns";
import { actsOf } from "./acts";
import { instanceIn, means, wantsClone } from "./Palette";

test("a repository's address is found by what one would do with it", () => {
  expect(wantsClone("clone")).toBe("");
  expect(wantsClone("clo")).toBe("");
  expect(wantsClone("git")).toBe("");
  expect(wantsClone("Git clone shop")).toBe("shop");
  expect(wantsClone("push  Shop ")).toBe("Shop");
});

test("what only begins alike is no wish to clone", () => {
  for (const text of ["", "c", "cl", "clonezilla", "shop", "gitea", "my clone"]) expect(wantsClone(text)).toBeNull();
});

test("the instance that is open is known by its address", () => {
  expect(instanceIn("/acme/instances/shop")).toBe("shop");
  expect(instanceIn("/acme/instances/shop/logs")).toBe("shop");
  for (const path of ["/acme/instances", "/acme/instances/", "/acme/projects/shop"])
    expect(instanceIn(path)).toBeNull();
});

test("what may be done to the open instance is offered as on its page, with the reason where it isn't possible now", () => {
  const of = (some: Partial<Instance>) =>
    actsOf({ status: "running", job: null, may: [], blocked: {}, ...some } as Instance).map(({ act, against }) =>
      against ? `${act}: ${against}` : act,
    );
  const may: Instance["may"] = ["restart", "start", "stop", "backup"];
  expect(of({ may })).toEqual(["restart_soft", "restart_hard", "stop", "backup"]);
  expect(of({ may, status: "stopped", blocked: { stop: { code: "conflict", detail: "It is stopped." } } })).toEqual([
    "start",
    "backup",
  ]);
  expect(of({ may: ["stop"] })).toEqual(["stop"]);
  expect(of({})).toEqual([]);
  const busy = { code: "instance_busy" as const, detail: "Other work isn't over." };
  expect(of({ may: ["restart", "stop"], blocked: { restart: busy, stop: busy } })).toEqual([
    "restart_soft: Other work isn't over.",
    "restart_hard: Other work isn't over.",
    "stop",
  ]);
});

test("what begins at once is found by how its words begin, and by no letters from within", () => {
  for (const text of ["", "res", "restart", "restart (hard)", "restart h", "hard", "hard restart"])
    expect(means("restart_hard", "Restart (hard)", text), text).toBe(true);
  for (const text of ["st", "start", "soft", "hard x"])
    expect(means("restart_hard", "Restart (hard)", text), text).toBe(false);
  expect(means("backup", "Back up now", "backup")).toBe(true);
});
