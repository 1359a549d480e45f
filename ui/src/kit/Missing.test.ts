import { expect, it } from "vitest";
import { oneOf } from "./Missing";

it("names those who can be asked, and says when there are more", () => {
  expect(oneOf([])).toBe("an owner");
  expect(oneOf(["Anna"])).toBe("Anna");
  expect(oneOf(["Anna", "Bo"])).toBe("Anna or Bo");
  expect(oneOf(["Anna", "Bo", "Cem"])).toBe("Anna, Bo or Cem");
  expect(oneOf(["Anna", "Bo", "Cem", "Dora"])).toBe("Anna, Bo, Cem or another owner");
});
