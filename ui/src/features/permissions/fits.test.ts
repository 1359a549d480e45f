import { expect, it } from "vitest";
import { ACTIONS } from "@/kit/actions";
import { actionsOf, inWords } from "./fits";

it("offers each action with what it is done to, and none with a server", () => {
  expect(actionsOf("project").map(({ key }) => key)).toEqual(["view_projects", "merge_branches"]);
  expect(actionsOf("instance")).toHaveLength(ACTIONS.length - 2);
  expect(actionsOf("server")).toEqual([]);
});

it("tells what an action does in place of its name", () => {
  const said = "Tess may do this (Restart): the permission is granted and the instance is allowed.";
  expect(inWords(said, "restart_instances", true)).toBe(
    "Tess may restart and start it: the permission is granted and the instance is allowed.",
  );
  expect(inWords(said, "restart_instances", false)).toBe(said);
  expect(inWords("Tess may see it: the instance is allowed.", null, true)).toContain("may see it");
});
