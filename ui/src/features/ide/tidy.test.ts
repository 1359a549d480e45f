import { expect, it } from "vitest";
import { tidied } from "./tidy";

it("takes blanks from the ends of lines and ends with one", () => {
  expect(tidied("a.py", "x = 1  \n\ty\t\n\n\n")).toBe("x = 1\n\ty\n");
  expect(tidied("a.py", "")).toBe("");
  expect(tidied("a.py", "x")).toBe("x\n");
});

it("leaves Markdown's breaks, and writes JSON that can be read", () => {
  expect(tidied("a.md", "one  \ntwo")).toBe("one  \ntwo\n");
  expect(tidied("a.json", '{"b":[1,2]}')).toBe('{\n  "b": [\n    1,\n    2\n  ]\n}\n');
  expect(tidied("a.json", "{ not json ")).toBe("{ not json\n");
});
