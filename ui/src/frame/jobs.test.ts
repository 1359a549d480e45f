import { expect, test } from "vitest";
import type { Instance } from "@/api/nouns";
import { jobWord, statusWord, stepWord } from "./jobs";

test("work is told in words, and its steps by what they are of", () => {
  expect(jobWord({ kind: "restore" })).toBe("Restoring");
  expect(stepWord({ kind: "restore", step: "check" })).toBe("Comparing every file with the backup");
  expect(stepWord({ kind: "deploy", step: "store" })).toBe("Storing the build");
  expect(stepWord({ kind: "backup", step: "store" })).toBe("Storing the data");
  expect(stepWord({ kind: "delete", step: "delete" })).toBe("Removing what it left");
});

test("an instance that a backup is brought back into isn't deploying", () => {
  const job = (kind: "restore" | "deploy") => ({ kind }) as Instance["job"];
  expect(statusWord({ status: "deploying", job: job("restore") })).toBe("Restoring");
  expect(statusWord({ status: "deploying", job: job("deploy") })).toBeUndefined();
  expect(statusWord({ status: "running", job: null })).toBeUndefined();
});
