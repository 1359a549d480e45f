import { expect, it } from "vitest";
import { samePlaceIn } from "./places";

it("opens the same list in another workspace, and never an object of the first", () => {
  expect(samePlaceIn("b", "/a/members")).toBe("/b/members");
  expect(samePlaceIn("b", "/a/instances/shop-production/logs")).toBe("/b/instances");
  expect(samePlaceIn("b", "/a/settings/general")).toBe("/b/settings/general");
  expect(samePlaceIn("b", "/a")).toBe("/b");
  expect(samePlaceIn("b", "/a/start")).toBe("/b");
});
