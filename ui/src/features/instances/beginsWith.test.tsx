import { expect, it } from "vitest";
import type { Backup } from "@/api/generated";
import type { Stage } from "@/api/nouns";
import { beginsWith } from "./NewInstance";

const told = (wanted: Stage, isDeleted = false) =>
  beginsWith(
    {
      stage: "production",
      instance: { id: "i", name: "Shop", is_deleted: isDeleted },
      project: { id: "p", name: "Shop", is_deleted: false },
    } as Backup,
    wanted,
  );

it("promises the schedule of backups at the backup's own stage alone", () => {
  expect(told("production")).toContain("limits, health check and schedule of backups, and with its commit.");
  for (const wanted of ["staging", "development"] as const) {
    expect(told(wanted)).toContain("plain variables, limits and health check, and with its commit.");
    expect(told(wanted)).toContain("No schedule of backups comes with a backup of production");
  }
});

it("promises the secrets of one that is deleted at its own stage alone", () => {
  expect(told("production", true)).toContain("The secrets of Shop come with them.");
  expect(told("staging", true)).toContain("Secrets are its own.");
  expect(told("production")).toContain("Secrets are its own.");
});
