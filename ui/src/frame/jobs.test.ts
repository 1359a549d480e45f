import { expect, test } from "vitest";
import type { Instance } from "@/api/nouns";
import { jobWord, stateOf, stepWord } from "./jobs";

test("work is told in words, and its steps by what they are of", () => {
  expect(jobWord({ kind: "restore" })).toBe("Restoring");
  expect(stepWord({ kind: "restore", step: "check" })).toBe("Comparing every file with the backup");
  expect(stepWord({ kind: "deploy", step: "store" })).toBe("Storing the build");
  expect(stepWord({ kind: "backup", step: "store" })).toBe("Storing the data");
  expect(stepWord({ kind: "delete", step: "delete" })).toBe("Removing what it left");
});

test("an instance that a backup is brought back into isn't deploying", () => {
  const job = (kind: "restore" | "deploy") => ({ kind }) as Instance["job"];
  const is_server_away = false;
  const restored = { status: "deploying", word: "Restoring" };
  expect(stateOf({ status: "deploying", job: job("restore"), is_server_away })).toEqual(restored);
  expect(stateOf({ status: "deploying", job: job("deploy"), is_server_away })).toEqual({ status: "deploying" });
  expect(stateOf({ status: "running", job: null, is_server_away })).toEqual({ status: "running" });
});

test("an instance that is being restarted, started or stopped is told as that once it has begun", () => {
  const at = (kind: string, begun: "queued" | "running", status: Instance["status"] = "running") =>
    stateOf({ status, job: { kind, status: begun } as Instance["job"], is_server_away: false });
  const working = (word: string) => ({ status: "working", word });
  expect(at("restart_hard", "running")).toEqual(working("Restarting"));
  expect(at("restart_soft", "running")).toEqual(working("Restarting"));
  expect(at("start", "running", "failed")).toEqual(working("Starting"));
  expect(at("stop", "running")).toEqual(working("Stopping"));
  expect(at("restart_hard", "queued")).toEqual({ status: "running" });
  expect(at("backup", "running")).toEqual({ status: "running" });
});

test("nobody says that an instance runs whose server isn't reached", () => {
  const away = { status: "away", word: "Server not reached" };
  expect(stateOf({ status: "running", job: null, is_server_away: true })).toEqual(away);
});
