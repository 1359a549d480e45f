// Whether the stream of events is lost, and for so long that it is worth a word: what is shown may be old then.

import { useSyncExternalStore } from "react";

/** A server that begins anew is back sooner, and nobody has to know. */
const PATIENCE = 5000;

let lost = false;
let timer: ReturnType<typeof setTimeout> | null = null;
const listeners = new Set<() => void>();

function set(now: boolean): void {
  if (lost === now) return;
  lost = now;
  for (const listener of listeners) listener();
}

export function isLost(): void {
  timer ??= setTimeout(() => set(true), PATIENCE);
}

export function isBack(): void {
  if (timer) clearTimeout(timer);
  timer = null;
  set(false);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** True from some seconds after the stream was lost until it is open again. */
export const useIsLost = (): boolean =>
  useSyncExternalStore(
    subscribe,
    () => lost,
    () => false,
  );
