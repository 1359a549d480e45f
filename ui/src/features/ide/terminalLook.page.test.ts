import { afterEach, expect, it, vi } from "vitest";
import { alwaysDrawn } from "./terminalLook";

afterEach(() => vi.unstubAllGlobals());

it("who opens a terminal so hears only that it is seen, and nobody else does", () => {
  const told: ((entries: { isIntersecting: boolean }[]) => void)[] = [];
  class Observer {
    constructor(hear: (entries: { isIntersecting: boolean }[]) => void) {
      told.push(hear);
    }
  }
  vi.stubGlobal("IntersectionObserver", Observer);
  const heard = vi.fn();
  alwaysDrawn(() => new window.IntersectionObserver(heard));
  expect(window.IntersectionObserver).toBe(Observer);
  told[0]?.([{ isIntersecting: false }]);
  expect(heard).not.toHaveBeenCalled();
  told[0]?.([{ isIntersecting: true }, { isIntersecting: false }]);
  expect(heard.mock.lastCall?.[0]).toEqual([{ isIntersecting: true }]);
});
