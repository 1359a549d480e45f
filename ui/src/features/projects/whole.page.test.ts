import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useWhole } from "./merging";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

it("takes a branch for whole once typing pauses, and one that is known at once", () => {
  const { result, rerender } = renderHook(({ name }) => useWhole(name, ["main"]), { initialProps: { name: "" } });
  expect(result.current).toBe("");
  for (const name of ["t", "to", "top"]) {
    rerender({ name });
    act(() => vi.advanceTimersByTime(150));
    expect(result.current, name).toBeNull();
  }
  act(() => vi.advanceTimersByTime(400));
  expect(result.current).toBe("top");
  rerender({ name: "main" });
  expect(result.current).toBe("main");
});
