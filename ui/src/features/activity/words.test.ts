import { expect, it } from "vitest";
import type { AuditEvent } from "@/api/nouns";
import { CHOICES, labelOf, pieces, rowsOf } from "./words";

const event = (sentence: string, resource_name: string | null, second_name: string | null = null) =>
  ({ sentence, resource_name, second_name }) as AuditEvent;

it("names stand out of a sentence, wherever they are", () => {
  expect(pieces(event("pushed main to Shop", "Shop", "main"))).toEqual([
    { text: "pushed ", isName: false },
    { text: "main", isName: true },
    { text: " to ", isName: false },
    { text: "Shop", isName: true },
  ]);
  expect(pieces(event("changed the logo", "Acme"))).toEqual([{ text: "changed the logo", isName: false }]);
  expect(pieces(event("restarted ", ""))).toEqual([{ text: "restarted ", isName: false }]);
});

it("a difference is told field by field, with what there was", () => {
  expect(
    rowsOf({
      before: { name: "Acme", primary_color: "#000000" },
      after: { name: "Acme Studio", primary_color: "#fff" },
    }),
  ).toEqual([
    { name: "Name", before: "Acme", after: "Acme Studio" },
    { name: "Colour", before: "#000000", after: "#fff" },
  ]);
  expect(rowsOf({ before: { logo: null }, after: { logo: "ab" } })).toEqual([
    { name: "Logo", before: "none", after: "ab" },
  ]);
});

it("what was given and taken away is told by name", () => {
  const detail = {
    added: { actions: ["view_logs"], projects: [{ id: "1", name: "Shop" }] },
    removed: { actions: ["restart_instances", "use_ide"] },
  };
  expect(rowsOf(detail)).toEqual([
    { name: "Added: actions", after: "Logs" },
    { name: "Added: projects", after: "Shop" },
    { name: "Taken away: actions", after: "Restart, Web IDE" },
  ]);
});

it("an end that was set is told with what there was", () => {
  const detail = { until: [{ of: "view_logs", before: null, after: 1_790_000_000_000_000 }] };
  const [row] = rowsOf(detail);
  expect(row).toMatchObject({ name: "Ends: Logs", before: "never" });
  expect(row?.after).toMatch(/2026/);
});

it("an end is told of a thing by its kind where others have its name", () => {
  const after = "2026-12-01T00:00:00.000Z";
  const end = (of: string, kind: string) => ({ of, kind, id: `${of} ${kind}`, before: null, after });
  const detail = { until: [end("view_logs", "action"), end("Guestbook", "project"), end("Guestbook", "instance")] };
  const rows = rowsOf(detail);
  expect(rows.map(({ name }) => name)).toEqual([
    "Ends: Logs",
    "Ends: Guestbook (project)",
    "Ends: Guestbook (instance)",
  ]);
  for (const { before, after } of rows) expect([before, after]).toEqual(["never", expect.stringMatching(/2026/)]);
  // What is called like an action isn't one.
  expect(rowsOf({ until: [end("view_logs", "project")] })[0]?.name).toBe("Ends: view_logs");
  // Older events say nothing of the kind.
  const old = { of: "Guestbook", before: null, after: 1_790_000_000_000_000 };
  expect(rowsOf({ until: [old, old] }).map(({ name }) => name)).toEqual(["Ends: Guestbook", "Ends: Guestbook"]);
});

it("any other detail is told too, and no detail is none", () => {
  expect(rowsOf({ denial: "owner_required" })).toEqual([{ name: "Why", after: "only owners may do this" }]);
  expect(rowsOf({ is_protected: true, x_y: [1, "a"], z: { q: null } })).toEqual([
    { name: "Protected", after: "yes" },
    { name: "X y", after: "1, a" },
    { name: "Z", after: "Q: none" },
  ]);
  for (const nothing of [{}, null, undefined, "text", []]) expect(rowsOf(nothing)).toEqual([]);
});

it("everything that can be done can be chosen", () => {
  const all = CHOICES.flatMap(({ items }) => items.map(({ value }) => value));
  expect(all).toContain("member.set_permissions");
  expect(new Set(all).size).toBe(all.length);
  expect(labelOf("member.set_permissions")).toBe("Members: set permissions");
  expect(labelOf("of.nobody")).toBe("of.nobody");
});
