// What of a proposed profile isn't in it, in words.

import type { ProposedProfile } from "@/api/generated";

/** With a blank behind it, or nothing. */
export function leftOut({ unknown, not_shown }: Pick<ProposedProfile, "unknown" | "not_shown">): string {
  const named = unknown.slice(0, 3).map((one) => `“${one}”`);
  const more = unknown.length > 3 ? ` and ${unknown.length - 3} more` : "";
  const left = unknown.length === 0 ? "" : `Left out, because there is no such thing: ${named.join(", ")}${more}. `;
  const few =
    not_shown === 0
      ? ""
      : `There is too much to show all of it: ${not_shown.toLocaleString("en")} were not, and stay as they are. `;
  return left + few;
}
