import type { Member } from "@/api/nouns";

/**
 * Of those who were chosen, those for whom permissions can be set: not who was removed since, and not who is shown as an
 * owner by now. Who isn't shown may be hidden by a search alone.
 */
export function stillPlain(
  chosen: Map<string, Member>,
  removed: readonly string[],
  shown: readonly Member[],
): Map<string, Member> {
  const owners = new Set(shown.filter(({ role }) => role === "owner").map(({ id }) => id));
  const gone = new Set(removed);
  const left = [...chosen].filter(([id]) => !gone.has(id) && !owners.has(id));
  return left.length === chosen.size ? chosen : new Map(left);
}
