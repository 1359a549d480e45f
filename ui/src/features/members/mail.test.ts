import { expect, it } from "vitest";
import type { MailState } from "@/api/generated";
import { momentOf, standingOf } from "./mail";

const since = "2026-11-26T10:00:00Z";
const start = Date.parse(since);
const mail = (change: Partial<MailState>): MailState => ({
  status: "waiting",
  error: null,
  since,
  next_try_at: since,
  ...change,
});

it("a mail is being sent for its first seconds only", () => {
  expect(standingOf(mail({}), start + 2000)).toBe("sending");
  // The attempt still stands open, and nothing was heard of it.
  expect(standingOf(mail({}), start + 12_000)).toBe("waiting");
});

it("one that is tried again waits, however new it is", () => {
  expect(standingOf(mail({ error: "451 later" }), start + 1000)).toBe("waiting");
});

it("what came to its end is told as that", () => {
  expect(standingOf(mail({ status: "sent" }), start)).toBe("sent");
  expect(standingOf(mail({ status: "refused", error: "550 unknown" }), start)).toBe("bounced");
  expect(standingOf(mail({ status: "void" }), start)).toBe("dropped");
});

it("since when is told by the hour, and on another day by that too", () => {
  expect(momentOf(since, start)).toMatch(/^\d\d:\d\d$/);
  expect(momentOf(since, start + 3 * 24 * 3600_000)).toMatch(/26 Nov/);
});
