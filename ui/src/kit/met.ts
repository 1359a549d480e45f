// What somebody else has saved of a form while it was filled in.

/** What a form holds, by the names of its fields. */
export type Fields = Record<string, unknown>;

/** So many are told by name. */
const TOLD = 5;

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

function listed(names: string[]): string {
  const shown = names.length > TOLD ? [...names.slice(0, TOLD - 1), `${names.length - TOLD + 1} more`] : names;
  return [shown.slice(0, -1).join(", "), ...shown.slice(-1)].filter(Boolean).join(" and ");
}

/**
 * Which fields were changed from what the form began with, and what saving it as it is does to that. Empty where it does
 * nothing to it: both have set the same.
 */
export function met(began: Fields, now: Fields, mine: Fields): string {
  const changed = Object.keys({ ...began, ...now }).filter((name) => !isSame(began[name], now[name]));
  const lost = changed.filter((name) => !isSame(now[name], mine[name]));
  const both = lost.filter((name) => !isSame(began[name], mine[name]));
  const theirs = lost.filter((name) => !both.includes(name));
  if (lost.length === 0) return "";
  const start = `Somebody changed ${listed([...both, ...theirs])} meanwhile`;
  if (theirs.length === 0) return `${start}, which you changed too: what you save replaces that.`;
  if (both.length === 0) return `${start}, which you didn't: what you save undoes that.`;
  return `${start}: what you save replaces ${listed(both)}, which you changed too, and undoes the change of ${listed(theirs)}.`;
}
