import { expect, test } from "vitest";
import { instanceIn, wantsClone } from "./Palette";

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
