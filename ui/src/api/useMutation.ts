// A write, once: the library's own hook, but what is on its way already isn't begun a second time. A button says that it
// is busy only with the next drawing, and the second half of a double click comes before that.

import { hashKey, type UseMutationOptions, type UseMutationResult, useMutation as useAny } from "@tanstack/react-query";
import { useCallback, useRef } from "react";

/** Whether all of it is what JSON has: two of it are the same where they are written alike. A window or a picture isn't. */
function isPlain(input: unknown): boolean {
  if (typeof input !== "object" || input === null) return typeof input !== "function" && typeof input !== "symbol";
  if (Array.isArray(input)) return input.every(isPlain);
  return Object.getPrototypeOf(input) === Object.prototype && Object.values(input).every(isPlain);
}

/** Where a button or a field stands that is filled in together. */
const formOf = (one: Element) => one.closest<HTMLElement>("form, [role=dialog]");

/**
 * After what a button did: the focus goes to the first field that is wrong, or back to the button, which was off
 * meanwhile. Where that is still off, to its form. Not where it was put somewhere on purpose.
 */
function giveBack(from: Element | null): void {
  if (!(from instanceof HTMLButtonElement) || !from.isConnected) return;
  const now = document.activeElement;
  if (now && now !== document.body && now !== from) return;
  const form = formOf(from);
  const wrong = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  if (wrong) wrong.focus();
  else if (!from.disabled) from.focus({ preventScroll: true });
  else if (form) {
    if (!form.hasAttribute("tabindex")) form.tabIndex = -1;
    form.focus({ preventScroll: true });
  }
}

/** What came of it is drawn by then. */
const drawn = (then: () => void) => requestAnimationFrame(() => requestAnimationFrame(then));

/** As the library's. What is asked for again with the same input, while it runs, gets the answer of the one that runs. */
export function useMutation<T = unknown, E = Error, V = void>(
  options: UseMutationOptions<T, E, V>,
): UseMutationResult<T, E, V> {
  const found = useAny(options);
  const begin = found.mutateAsync;
  const running = useRef(new Map<unknown, Promise<T>>());
  const mutateAsync = useCallback<typeof begin>(
    (...given) => {
      const key = isPlain(given[0]) ? hashKey([given[0]]) : given[0];
      const before = running.current.get(key);
      if (before) return before;
      const from = document.activeElement;
      const now = begin(...given).finally(() => {
        running.current.delete(key);
        drawn(() => giveBack(from));
      });
      running.current.set(key, now);
      return now;
    },
    [begin],
  );
  const mutate = useCallback<typeof found.mutate>(
    // What went wrong stands in the state.
    (...given) => void mutateAsync(...given).catch(() => {}),
    [mutateAsync],
  );
  return { ...found, mutate, mutateAsync };
}
