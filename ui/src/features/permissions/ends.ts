// When grants end, in words and in fields. The times themselves are the server's to judge.

import { actionOf } from "@/kit/actions";
import type { Draft, Lists } from "./difference";
import { LISTS } from "./difference";

const moment = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const later = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** "30 Nov, 18:00", with the year where it isn't this one. */
export function endWords(at: string): string {
  const then = new Date(at);
  return (then.getFullYear() === new Date().getFullYear() ? moment : later).format(then);
}

/** What a field for local times holds. */
export function toField(at: string | Date): string {
  const then = new Date(at);
  const local = new Date(then.getTime() - then.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The moment that such a field says, or null where it says none. */
export function fromField(text: string): string | null {
  const then = new Date(text);
  return text && !Number.isNaN(then.getTime()) ? then.toISOString() : null;
}

/** A moment no sooner than so many days on, at a full hour. */
export function inDays(days: number, now = new Date()): string {
  const then = new Date(now.getTime() + days * 86_400_000);
  // Of an hour that has begun, the end.
  const isFull = then.getMinutes() + then.getSeconds() + then.getMilliseconds() === 0;
  then.setMinutes(isFull ? 0 : 60, 0, 0);
  return then.toISOString();
}

/** Everything in a profile that can have an end: the switches first. */
export function grantedIn(draft: Draft): string[] {
  return [...draft.actions, ...LISTS.flatMap((list) => draft[list])];
}

/**
 * A resource's name, or "…" where it isn't known in that list. Alone, where nothing beside it says of what kind it is, a
 * name that others have too comes with its kind.
 */
export type NameOf = (list: Lists, id: string, isAlone?: boolean) => string;

/** What a grant is called, by its action's key or its resource's id. */
export function labelOf(key: string, nameOf: NameOf): string {
  return actionOf(key)?.label ?? LISTS.map((list) => nameOf(list, key, true)).find((name) => name !== "…") ?? "…";
}

/** All ends in one line: "Restart on 30 Nov, 18:00; the rest never". */
export function endsInWords(draft: Draft, nameOf: NameOf): string {
  const ending = Object.entries(draft.until).sort(([, one], [, other]) => one.localeCompare(other));
  const [first] = ending;
  if (!first) return "Nothing ends";
  const all = grantedIn(draft).length;
  const isOne = new Set(ending.map(([, at]) => at)).size === 1;
  if (ending.length === all && isOne) return `Everything on ${endWords(first[1])}`;
  const one = `${labelOf(first[0], nameOf)} on ${endWords(first[1])}`;
  if (ending.length === 1) return `${one}; the rest never`;
  return `${one}; ${ending.length - 1} more`;
}

const KINDS: Record<Lists, string> = { projects: "project", instances: "instance", servers: "server" };

/** The names of all that can be granted. */
export function namesIn(all: Record<Lists, { id: string; name: string }[]> | undefined): NameOf {
  const names = new Map(LISTS.map((list) => [list, new Map(all?.[list].map(({ id, name }) => [id, name]))]));
  const borne = new Map<string, number>();
  for (const list of LISTS)
    for (const { name } of all?.[list] ?? []) borne.set(name.toLowerCase(), (borne.get(name.toLowerCase()) ?? 0) + 1);
  return (list, id, isAlone = false) => {
    const name = names.get(list)?.get(id);
    if (name === undefined) return "…";
    return isAlone && (borne.get(name.toLowerCase()) ?? 0) > 1 ? `${name} (${KINDS[list]})` : name;
  };
}
