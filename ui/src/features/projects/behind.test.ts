import { expect, test } from "vitest";
import type { Branch, Instance } from "@/api/nouns";
import { behind } from "./behind";

const head = { id: "new", subject: "Greet", author_name: "", author_email: "", at: "2026-01-01" };
const main = { name: "main", commit: head } as Branch;
const on = (commit: string | null, job: Instance["job"] = null) => ({ branch: "main", commit, job });
const job = (kind: string) => ({ kind }) as NonNullable<Instance["job"]>;

test("an instance that runs another commit than its branch's newest is behind", () => {
  expect(behind(on("old"), main)).toEqual({ runs: "old", newest: head });
  expect(behind(on(null), main)).toEqual({ runs: null, newest: head });
  expect(behind(on("new"), main)).toBeNull();
});

test("while a deployment decides it, nothing is said; other work says nothing of it", () => {
  expect(behind(on("old", job("deploy")), main)).toBeNull();
  expect(behind(on("old", job("restore")), main)).toBeNull();
  expect(behind(on("old", job("backup")), main)?.runs).toBe("old");
});

test("where one of both isn't known, nothing is said", () => {
  expect(behind(undefined, main)).toBeNull();
  expect(behind(on("old"), undefined)).toBeNull();
  expect(behind(on("old"), { ...main, commit: null })).toBeNull();
  expect(behind(on("old"), { ...main, name: "staging" })).toBeNull();
});
