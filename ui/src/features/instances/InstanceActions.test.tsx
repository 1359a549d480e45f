import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Instance, Verb, Workspace } from "@/api/nouns";
import { WorkspaceContext } from "@/kit/workspaceContext";
import { InstanceActions } from "./InstanceActions";
import type { Acts } from "./useActs";

const on = vi.hoisted(() => ({ phone: false }));
vi.mock("@/kit", async (original) => ({
  ...(await original<object>()),
  usePhone: () => on.phone,
  useNarrow: () => on.phone,
}));
vi.mock("@tanstack/react-router", () => ({
  useNavigate: () => () => {},
  Link: ({ to, children }: { to: string; children: unknown }) => <a href={to}>{children as string}</a>,
}));

beforeEach(() => {
  on.phone = false;
});
afterEach(cleanup);

const HEADER: Verb[] = ["restart", "stop", "connect_as", "merge", "use_ide"];
const WORDS = { restart: "Restart", stop: "Stop", connect_as: "Connect as user", merge: "Merge…", use_ide: "IDE" };
const away = (verb: string) => ({ code: "unavailable", detail: `The server is away: ${verb}.` });

function show(may: Verb[], blocked: Verb[] = [], more: Partial<Instance> = {}) {
  const instance = {
    id: "i",
    slug: "shop",
    name: "shop",
    status: "running",
    commit: null,
    job: null,
    may,
    blocked: Object.fromEntries(blocked.map((verb) => [verb, away(verb)])),
    ...more,
  } as unknown as Instance;
  const workspace = { slug: "acme", name: "Acme", may: [] } as unknown as Workspace;
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <WorkspaceContext.Provider value={workspace as never}>
          <InstanceActions workspace="acme" instance={instance} acts={{ isPending: false } as Acts} />
        </WorkspaceContext.Provider>
      </QueryClientProvider>
    </MantineProvider>,
  );
}

/** By its word, off or not: undefined where it isn't there. */
const isOff = (word: string) => {
  const found = screen.queryByRole("button", { name: word }) ?? screen.queryByRole("link", { name: word });
  return found ? found.getAttribute("aria-disabled") === "true" : undefined;
};

it("shows what is in `may` alone, each by itself, and to whoever may restart that they may not stop", () => {
  for (const verb of HEADER) {
    show([verb]);
    for (const other of HEADER) {
      const wanted = verb === "restart" && other === "stop" ? true : undefined;
      expect(isOff(WORDS[other as never]), `${verb}, ${other}`).toBe(other === verb ? false : wanted);
    }
    cleanup();
  }
});

it("shows what the state forbids off, with its reason, and not one of them as a way", () => {
  show(HEADER, HEADER);
  for (const verb of HEADER) {
    expect(isOff(WORDS[verb as never]), verb).toBe(true);
    expect(screen.getByText(`The server is away: ${verb}.`)).toBeTruthy();
  }
  expect(screen.queryByRole("link")).toBeNull();
});

it("has the start of what is stopped in the place of its restart and its stop", () => {
  show(["start", "restart", "stop", "connect_as"], ["restart", "stop", "connect_as"], { status: "stopped" });
  expect(["Start", "Restart", "Stop", "Connect as user"].map(isOff)).toEqual([false, undefined, undefined, true]);
  cleanup();
  show(["restart", "stop"], ["restart", "stop"]);
  expect(["Restart", "Stop"].map(isOff)).toEqual([true, true]);
});

it("says on a phone, in the menu, why what is off is", async () => {
  on.phone = true;
  show(["restart", "connect_as", "merge"], ["restart", "connect_as"]);
  expect([isOff("Restart"), isOff("Stop")]).toEqual([undefined, undefined]);
  fireEvent.click(screen.getByRole("button", { name: "More about shop" }));
  const items = (await screen.findAllByRole("menuitem", { hidden: true })).map((one) => [
    one.textContent,
    one.hasAttribute("data-disabled"),
  ]);
  expect(items).toEqual([
    ["Restart", true],
    ["Connect as user", true],
    ["Merge…", false],
  ]);
  for (const verb of ["restart", "connect_as"]) expect(screen.getByText(`The server is away: ${verb}.`)).toBeTruthy();
});
