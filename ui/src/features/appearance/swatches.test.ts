import { expect, it } from "vitest";
import { measured } from "@/theme/brand";
import { kept, SWATCHES } from "./swatches";

it("there are twelve colours, each as it is kept, and no two alike", () => {
  expect(SWATCHES).toHaveLength(12);
  for (const { hex } of SWATCHES) expect(kept(hex)).toBe(hex);
  expect(new Set(SWATCHES.map(({ hex }) => hex)).size).toBe(12);
});

it("a colour is typed short or long, in upper or lower case, and in no other way", () => {
  expect(kept("#F80")).toBe("#ff8800");
  expect(kept(" #0E7A5A ")).toBe("#0e7a5a");
  for (const wrong of ["", "#", "f80", "#12", "#1234", "#12345", "#1234567", "#12345678", "#123456789", "#ggg", "red"])
    expect(kept(wrong), wrong).toBeNull();
});

it("what is measured of white, black and pale yellow reaches what it has to", () => {
  for (const hex of ["#ffffff", "#000000", "#ffffcc", "#f0b429"]) {
    const { label, light, dark } = measured(hex);
    expect(label.ratio, hex).toBeGreaterThanOrEqual(4.5);
    expect(light.ratio, hex).toBeGreaterThanOrEqual(4.6);
    expect(dark.ratio, hex).toBeGreaterThanOrEqual(4.6);
  }
});
