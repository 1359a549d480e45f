import { expect, test } from "vitest";
import type { Instance } from "@/api/nouns";
import { cancelledBy, cancelling } from "./goingOn";

const busy = { code: "instance_busy", detail: "Other work on this instance isn't over yet." } as const;
const at = (status: Instance["status"], kind: string, blocked: Instance["blocked"]) =>
  cancelling({ may: ["stop", "delete"], blocked, status, job: { kind } as Instance["job"] }).blocked;

test("what goes on is against everything but what cancels it", () => {
  const blocked = { restart: busy, stop: busy, delete: busy };
  expect(at("running", "deploy", blocked)).toEqual({ restart: busy });
  expect(at("stopped", "start", blocked)).toEqual({ restart: busy });
});

test("what is down, or being stopped, isn't stopped once more", () => {
  expect(at("running", "stop", { stop: busy, delete: busy })).toEqual({ stop: busy });
  expect(at("stopped", "backup", { stop: busy, delete: busy })).toEqual({ stop: busy });
});

test("that something else is against it stays", () => {
  const isProtected = { code: "production_protected", detail: "Take its protection away first." } as const;
  expect(at("running", "deploy", { delete: isProtected })).toEqual({ delete: isProtected });
});

test("work is cancelled by whoever may begin it, and a deletion by nobody", () => {
  expect(cancelledBy({ may: ["restart"] }, { kind: "restart_hard" })).toBe("restart");
  expect(cancelledBy({ may: ["merge"] }, { kind: "deploy" })).toBe("merge");
  expect(cancelledBy({ may: ["stop", "delete"] }, { kind: "start" })).toBeUndefined();
  expect(cancelledBy({ may: ["delete"] }, { kind: "delete" })).toBeUndefined();
});
