import { expect, test } from "vitest";
import { edited, wanted } from "./Variables";

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
