import { expect, test } from "vitest";
import type { Deployment } from "@/api/nouns";
import { steps } from "./steps";

const states = (status: Deployment["status"], step: string) => steps({ status, step }).map(({ state }) => state);

test("steps before the present one are done, and a failure stands where it happened", () => {
  expect(states("queued", "queued")).toEqual(["open", "open", "open", "open", "open", "open"]);
  expect(states("running", "store")).toEqual(["done", "now", "open", "open", "open", "open"]);
  expect(states("failed", "release")).toEqual(["done", "done", "failed", "open", "open", "open"]);
  expect(states("cancelled", "build")).toEqual(["done", "open", "open", "open", "open", "open"]);
  expect(states("succeeded", "settle")).toEqual(["done", "done", "done", "done", "done", "done"]);
});
