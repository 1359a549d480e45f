import { expect, test } from "vitest";
import { foremost } from "./foremost";
import { isNamedAs } from "./useExamples";

test("a project is told from one that only begins alike", () => {
  for (const slug of ["shop", "shop-2", "shop-12"]) expect(isNamedAs("shop", slug)).toBe(true);
  for (const slug of ["shopping", "shop-production", "my-shop", "shop-", "shop-2-b"])
    expect(isNamedAs("shop", slug)).toBe(false);
});

test("what stands for a project is its production, however old", () => {
  const one = (stage: "production" | "staging", created_at: string) => ({ stage, created_at });
  const [old, young, staging] = [one("production", "1"), one("production", "2"), one("staging", "3")];
  expect(foremost([old, staging, young])).toBe(young);
  expect(foremost([staging, old])).toBe(old);
  expect(foremost([staging])).toBe(staging);
  expect(foremost([])).toBeUndefined();
});
