import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import type { Instance } from "@/api/nouns";
import { currentWord, useRollBack } from "./DeploymentList";

const asked = vi.fn();
vi.mock("@/api/generated", async (original) => ({
  ...(await original<object>()),
  deployInstance: (_workspace: string, _instance: string, wish: unknown) => {
    asked(wish);
    return new Promise(() => {});
  },
}));

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  asked.mockClear();
});

const within = ({ children }: { children: ReactNode }) => (
  <MantineProvider>
    <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>
  </MantineProvider>
);
const instance = (kind: string | null) => ({ id: "i", status: "running", job: kind && { kind } }) as Instance;
const shown = (kind: string | null) =>
  renderHook(({ kind }: { kind: string | null }) => useRollBack("w", instance(kind)), {
    wrapper: within,
    initialProps: { kind },
  });

it("goes back once: what is clicked while that is asked for begins nothing", async () => {
  const { result } = shown(null);
  await act(async () => result.current.begin("one"));
  await act(async () => result.current.begin("other"));
  expect(asked.mock.calls).toEqual([[{ release: "one" }]]);
  expect(result.current.isHeld).toBe(true);
});

it("is held while a deployment goes on, and until the rows that moved were seen", async () => {
  vi.useFakeTimers();
  const { result, rerender } = shown("deploy");
  act(() => result.current.begin("one"));
  rerender({ kind: null });
  expect(result.current.isHeld).toBe(true);
  act(() => result.current.begin("one"));
  expect(asked).not.toHaveBeenCalled();
  act(() => void vi.runAllTimers());
  expect(result.current.isHeld).toBe(false);
  await act(async () => result.current.begin("one"));
  expect(asked).toHaveBeenCalledOnce();
});

it("other work holds nothing", () => {
  expect(shown("backup").result.current.isHeld).toBe(false);
});

it("what is current doesn't run while its instance is stopped", () => {
  expect(currentWord({ status: "running" })).toBe("Runs now");
  expect(currentWord({ status: "stopped" })).toBe("Runs once started");
});
