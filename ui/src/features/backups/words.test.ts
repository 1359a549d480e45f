import { expect, test } from "vitest";
import { bytes, lost, made } from "./words";

test("bytes are told with three digits at most", () => {
  expect([0, 999, 1000, 84_000_000, 8_200_000_000, 14_600_000_000].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 KB",
    "84 MB",
    "8.2 GB",
    "15 GB",
  ]);
});

test("when a backup was made is told by its day", () => {
  const now = new Date(2026, 10, 22, 13, 0).getTime();
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 2).toISOString();
  expect(made(at(22, 12), now)).toBe("Today, 12:02");
  expect(made(at(21, 23), now)).toBe("Yesterday, 23:02");
  expect(made(at(20, 2), now)).toBe("20 Nov, 02:02");
});

test("what is lost is told as a time", () => {
  const now = Date.parse("2026-11-22T14:34:00Z");
  expect(lost({ created_at: "2026-11-22T02:02:00Z" }, now)).toBe("12 h 32 min");
  expect(lost({ created_at: "2026-11-22T14:33:00Z" }, now)).toBe("1 min");
  expect(lost({ created_at: "2026-11-19T14:34:00Z" }, now)).toBe("3 days");
});

test("of a backup that is seconds old no minute is lost", () => {
  const now = Date.parse("2026-11-22T14:34:00Z");
  for (const at of ["14:33:01", "14:33:50", "14:34:00", "14:34:02"])
    expect(lost({ created_at: `2026-11-22T${at}Z` }, now), at).toBe("less than a minute");
});
