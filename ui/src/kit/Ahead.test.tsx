import { act, cleanup, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Ahead } from "./Ahead";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-22T12:00:30Z") });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const pass = (seconds: number) => act(() => vi.advanceTimersByTimeAsync(seconds * 1000));

it("isn't now before it has come", async () => {
  const { container, rerender } = render(<Ahead at="2026-11-22T12:02:00Z" />);
  expect(container.textContent).toBe("in 2 min");
  await pass(31);
  expect(container.textContent).toBe("in less than a minute");
  expect(container.querySelector("time")?.title).toMatch(/22 November 2026/);
  await pass(58);
  expect(container.textContent).toBe("in less than a minute");
  await pass(1);
  expect(container.textContent).toBe("now");
  // Then the next one is told.
  rerender(<Ahead at="2026-11-22T12:03:00Z" />);
  await pass(1);
  expect(container.textContent).toBe("in less than a minute");
});
