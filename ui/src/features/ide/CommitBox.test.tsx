import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { WorkingCopy } from "@/api/generated";
import { CommitBox } from "./CommitBox";

afterEach(cleanup);

// The page of these tests has no fonts, for which a field that grows listens.
Object.defineProperty(document, "fonts", { value: new EventTarget() });

const COPY = {
  branch: "staging",
  head: "staging",
  commit: "c".repeat(40),
  base: "c".repeat(40),
  ahead: 0,
  behind: 0,
  is_moved: false,
  is_merging: false,
  changes: [],
  is_cut: false,
  commits: [],
  deploys: [],
  push_blocked: null,
} satisfies WorkingCopy;

const show = (copy: Partial<WorkingCopy>) =>
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <CommitBox
          place={{ workspace: "acme", instance: "shop" }}
          copy={{ ...COPY, ...copy }}
          unsaved={[]}
          onDone={vi.fn()}
          onConflicts={vi.fn()}
        />
      </QueryClientProvider>
    </MantineProvider>,
  );

it("says which branch is checked out where that isn't the one that is pushed", () => {
  show({});
  expect(screen.queryByText(/is checked out/)).toBeNull();
  cleanup();
  show({ head: "mine" });
  expect(screen.getByText("The branch mine is checked out. Go back to staging in the terminal to push.")).toBeTruthy();
  cleanup();
  show({ head: null });
  expect(screen.getByText(/^No branch is checked out\./)).toBeTruthy();
});
