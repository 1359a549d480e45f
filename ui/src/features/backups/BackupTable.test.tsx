import { MantineProvider } from "@mantine/core";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Backup } from "@/api/generated";
import { BackupTable } from "./BackupTable";

afterEach(cleanup);

const BACKUP: Backup = {
  id: "b",
  instance: { id: "i", name: "Shop", is_deleted: true },
  project: { id: "p", name: "Shop", is_deleted: false },
  stage: "staging",
  branch: "main",
  is_of_production: false,
  commit: "c".repeat(40),
  status: "ready",
  reason: null,
  cause: "hand",
  note: null,
  started_by: null,
  size: 1,
  added: 1,
  job: null,
  created_at: "2026-11-22T02:02:00Z",
  verified_at: "2026-11-22T02:03:00Z",
  expires_at: null,
  is_reachable: true,
  warning: null,
  restored: null,
};

function show(backup: Partial<Backup>) {
  render(
    <MantineProvider>
      <BackupTable
        workspace="acme"
        backups={[{ ...BACKUP, ...backup }]}
        now={Date.parse("2026-11-22T14:00:00Z")}
        ofInstance
        onRestore={vi.fn()}
        onDelete={vi.fn()}
        onNew={vi.fn()}
      />
    </MantineProvider>,
  );
  return screen.queryAllByRole("button").map((button) => button.getAttribute("aria-label"));
}

const NEW = expect.stringMatching(/^New instance from it/);
const MORE = expect.stringMatching(/^More about/);

it("offers what is whole", () => {
  expect(show({})).toEqual([NEW, MORE]);
  expect(screen.getByText("Verified")).toBeTruthy();
  expect(screen.getByLabelText(/^Download/)).toBeTruthy();
});

it("says what isn't sound about one, and offers it all the same", () => {
  expect(show({ warning: "The database is damaged." })).toEqual([NEW, MORE]);
  expect(screen.getByText("The database is damaged.")).toBeTruthy();
  expect(screen.queryByText("Verified")).toBeNull();
});

it("says of one that was found damaged what it is, and not that it was verified once", () => {
  expect(show({ verified_at: null, warning: "It can't be read whole." })).toEqual([NEW, MORE]);
  expect(screen.getByText("Damaged")).toBeTruthy();
  expect(screen.getByText("It can't be read whole.")).toBeTruthy();
  expect(screen.queryByText(/^Verified/)).toBeNull();
});

it("says which one was brought back after it", () => {
  show({ cause: "before_restore", restored: { id: "a", created_at: "2026-11-20T02:02:00Z" } });
  expect(screen.getByText("Before a restore")).toBeTruthy();
  expect(screen.getByText(/^Restored from 20 Nov/)).toBeTruthy();
});

it("says until when one is kept, with the year where that is another", () => {
  show({ expires_at: "2026-12-22T02:02:00Z" });
  expect(screen.getByText(/^Kept until/).textContent).toBe("Kept until 22 Dec");
  cleanup();
  show({ expires_at: "2027-01-02T02:02:00Z" });
  expect(screen.getByText(/^Kept until/).textContent).toBe("Kept until 2 Jan 2027");
  cleanup();
  show({});
  expect(screen.queryByText(/^Kept until/)).toBeNull();
});

it("offers nothing of one that nobody reaches, but to delete it", () => {
  expect(show({ is_reachable: false })).toEqual([MORE]);
  expect(screen.getByText(/Its server was removed/)).toBeTruthy();
  expect(screen.queryByLabelText(/^Download/)).toBeNull();
});
