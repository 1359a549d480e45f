import { expect, test } from "vitest";
import { isNamedAs } from "./useExamples";

test("a project is told from one that only begins alike", () => {
  for (const slug of ["shop", "shop-2", "shop-12"]) expect(isNamedAs("shop", slug)).toBe(true);
  for (const slug of ["shopping", "shop-production", "my-shop", "shop-", "shop-2-b"])
    expect(isNamedAs("shop", slug)).toBe(false);
});
