import { expect, it } from "vitest";
import { fitting } from "./fitting";

/** Ten pixels each: a chip of four letters has 54, with the gap before the next 59. */
const wide = (word: string) => word.length * 10;
const WORDS = ["Logs", "Stop", "Read", "Look"];

it("shows as many as there is room for, and room for how many others there are", () => {
  const countAt = (room: number) => fitting(WORDS, room, wide);
  // All four, with nothing beside them.
  expect(countAt(4 * 54 + 3 * 5)).toBe(4);
  expect(countAt(4 * 54 + 3 * 5 - 1)).toBe(3);
  // Three, beside "+1".
  expect(countAt(3 * 59 + 34)).toBe(3);
  expect(countAt(3 * 59 + 33)).toBe(2);
});

it("shows one, however little room there is", () => {
  expect(fitting(WORDS, 0, wide)).toBe(1);
});
