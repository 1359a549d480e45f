// Who turns out to be no plain member any more, while permissions are set for several.

import type { Member } from "@/api/nouns";
import type { Problem } from "@/api/problem";

/** Those who are named one by one. */
const NAMED = 12;

/** Whom the server says it doesn't know, of those who were sent: it names them by their place. */
export function goneIn(problem: Problem, sent: { id: string }[]): string[] {
  const places = problem.errors.flatMap(({ field, code }) => {
    const [, at] = /^members\.(\d+)\.id$/.exec(field) ?? [];
    return at !== undefined && code === "unknown" ? [Number(at)] : [];
  });
  return places.flatMap((at) => sent[at]?.id ?? []);
}

/** Who isn't among those any more for whom it is set. */
export function leftOut(left: Pick<Member, "account">[], others: number): string {
  const [first] = left;
  const rest = others === 0 ? "Nothing is left to set." : "Nothing was saved yet; the others can be.";
  if (left.length === 1) return `${first?.account.name} isn't a plain member here any more, and is left out. ${rest}`;
  const named = left.slice(0, NAMED).map(({ account }) => account.name);
  const more = left.length - named.length;
  const names = more > 0 ? [...named, `${more} more`] : named;
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)} aren't plain members here any more, and are left out. ${rest}`;
}
