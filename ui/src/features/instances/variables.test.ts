import { expect, test } from "vitest";
import { edited, replaced, wanted } from "./Variables";

test("a secret that nobody typed anew keeps its value", () => {
  const rows = edited([
    { name: "PLAIN", value: "one", secret: false },
    { name: "KEPT", value: null, secret: true },
    { name: "CHANGED", value: null, secret: true },
  ]);
  const typed = rows.map((row) => (row.name === "CHANGED" ? { ...row, value: "new" } : row));
  const added = { key: 9, name: " ADDED ", value: "", secret: true, isKept: false };
  const unnamed = { key: 10, name: "  ", value: "lost", secret: false, isKept: false };
  expect(wanted([...typed, added, unnamed])).toEqual([
    { name: "PLAIN", value: "one", secret: false },
    { name: "KEPT", value: null, secret: true },
    { name: "CHANGED", value: "new", secret: true },
    { name: "ADDED", value: "", secret: true },
  ]);
});

test("a variable says where it takes the place of one that Stoa gives", () => {
  expect(replaced("PATH")).toBe("Takes the place of the PATH that Stoa gives.");
  expect(replaced(" DATABASE_URL ")).toBe(
    "Takes the place of the DATABASE_URL that Stoa gives where there is a database.",
  );
  for (const own of ["", "path", "DATABASE_URL_2", "constructor"]) expect(replaced(own)).toBeUndefined();
});
