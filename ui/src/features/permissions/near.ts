// How a profile is told by the preset that it comes near to.

import type { ActionKey } from "@/api/nouns";

/** A preset, and the switches as they were when the profile was near it. */
export type Near = { name: string; actions: ActionKey[]; isChanged: boolean };

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((key) => other.includes(key));
}

/** "Tester", or "Tester, changed" once its switches are others; null where no preset is near. */
export function toldOf(near: Near | null, actions: ActionKey[]): string | null {
  if (!near) return null;
  return `${near.name}${near.isChanged || !isSame(near.actions, actions) ? ", changed" : ""}`;
}
