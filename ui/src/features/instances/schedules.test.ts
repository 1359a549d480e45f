import { expect, test } from "vitest";
import type { Processes } from "@/api/generated";
import { isDue } from "./schedules";

const NOW = Date.parse("2026-11-26T09:30:10Z");
const run = (ended_at: string | null) => ({ began_at: "2026-11-26T09:30:00Z", ended_at, outcome: null, end: null });
const seen = (next_at: string | null, runs: ReturnType<typeof run>[] = []): Processes => ({
  processes: [{ name: null, is_running: true, began_at: "2026-11-26T09:00:00Z", ends: 0, last_end: null }],
  schedules: [{ name: "tidy", cron: "* * * * *", next_at, runs }],
});

test("it is asked again when what is to come has come, and soon while something goes on", () => {
  expect(isDue(seen("2026-11-26T09:31:00Z"), NOW)).toBe(51_500);
  expect(isDue(seen("2026-11-26T09:30:00Z"), NOW)).toBe(1_500);
  expect(isDue(seen("2036-11-26T09:30:00Z"), NOW)).toBe(2 ** 31 - 1);
  expect(isDue(seen("2026-11-26T09:31:00Z", [run(null)]), NOW)).toBe(3_000);
  expect(isDue(seen(null, [run("2026-11-26T09:30:05Z")]), NOW)).toBeNull();
});
