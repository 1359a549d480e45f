// What a permission profile would change, and how it reads. Nothing here decides anything.

import type { ActionKey, Permissions } from "@/api/nouns";

export type Lists = "projects" | "instances" | "servers";
export const LISTS: Lists[] = ["projects", "instances", "servers"];

/** A profile as the dialog holds it: a plain member's, so every list is one. */
export type Draft = { actions: ActionKey[]; until: Record<string, string> } & Record<Lists, string[]>;

export type Change =
  | { kind: "action"; key: ActionKey; added: boolean }
  | { kind: "resource"; list: Lists; id: string; added: boolean }
  | { kind: "end"; key: string; at: string | null };

/** "1 change", "4 changes". */
export function changesIn(number: number): string {
  return `${number} ${number === 1 ? "change" : "changes"}`;
}

export function draftOf(permissions: Permissions): Draft {
  const { actions, projects, instances, servers, until } = permissions;
  return {
    actions: [...actions],
    projects: projects ?? [],
    instances: instances ?? [],
    servers: servers ?? [],
    until: { ...until },
  };
}

/** Without the ends of what isn't in it any more. */
export function kept(draft: Draft): Draft {
  const granted = new Set<string>([...draft.actions, ...LISTS.flatMap((list) => draft[list])]);
  return { ...draft, until: Object.fromEntries(Object.entries(draft.until).filter(([key]) => granted.has(key))) };
}

function parted<T>(before: readonly T[], after: readonly T[]): { added: T[]; removed: T[] } {
  const [old, now] = [new Set(before), new Set(after)];
  return { added: after.filter((one) => !old.has(one)), removed: before.filter((one) => !now.has(one)) };
}

export function difference(before: Draft, after: Draft): Change[] {
  const actions = parted(before.actions, after.actions);
  const ofActions: Change[] = [
    ...actions.added.map((key): Change => ({ kind: "action", key, added: true })),
    ...actions.removed.map((key): Change => ({ kind: "action", key, added: false })),
  ];
  const ofLists = LISTS.flatMap((list) => {
    const { added, removed } = parted(before[list], after[list]);
    return [
      ...added.map((id): Change => ({ kind: "resource", list, id, added: true })),
      ...removed.map((id): Change => ({ kind: "resource", list, id, added: false })),
    ];
  });
  return [...ofActions, ...ofLists, ...differentEnds(before, after)];
}

function differentEnds(before: Draft, after: Draft): Change[] {
  const granted = new Set<string>([...after.actions, ...LISTS.flatMap((list) => after[list])]);
  const moment = (at: string | undefined) => (at ? Date.parse(at) : null);
  return [...new Set([...Object.keys(before.until), ...Object.keys(after.until)])]
    .filter((key) => granted.has(key) && moment(before.until[key]) !== moment(after.until[key]))
    .map((key): Change => ({ kind: "end", key, at: after.until[key] ?? null }));
}

/** One's own changes made again upon what somebody else has saved meanwhile. */
export function rebased(changes: Change[], onto: Draft): Draft {
  const set = <T>(list: readonly T[], one: T, added: boolean) =>
    added ? [...new Set([...list, one])] : list.filter((other) => other !== one);
  const draft = { ...onto };
  for (const change of changes) {
    if (change.kind === "end") {
      const { [change.key]: _, ...rest } = draft.until;
      draft.until = change.at ? { ...rest, [change.key]: change.at } : rest;
    } else if (change.kind === "action") draft.actions = set(draft.actions, change.key, change.added);
    else draft[change.list] = set(draft[change.list], change.id, change.added);
  }
  return kept(draft);
}

/** A draft as it is proposed. Of what nobody was shown who proposed it, it says nothing: that stays. */
export function proposed(
  draft: Draft,
  { actions, shown, ...lists }: { actions: ActionKey[]; shown?: Record<Lists, string[]> } & Record<Lists, string[]>,
): Draft {
  const next: Draft = { ...draft, actions: [...actions] };
  for (const list of LISTS) {
    const unseen = shown ? draft[list].filter((id) => !shown[list].includes(id)) : [];
    next[list] = [...new Set([...lists[list], ...unseen])];
  }
  return kept(next);
}

/** What each switch lets do, to one thing and to several. */
const DOES: Partial<Record<ActionKey, [string, string]>> = {
  restart_instances: ["restart and start it", "restart and start them"],
  connect_as_user: ["connect as one of its users", "connect as their users"],
  stop_instances: ["stop it", "stop them"],
  delete_instances: ["delete it", "delete them"],
  manage_backups: ["back it up and restore it", "back them up and restore them"],
  view_logs: ["read its logs", "read their logs"],
  use_ide: ["open its IDE", "open their IDE"],
  manage_settings: ["change its settings", "change their settings"],
};

function listed(words: string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function named(names: string[], word: string): string {
  if (names.length === 1) return `${word} ${names[0]}`;
  if (names.length <= 3) return `${word}s ${listed(names)}`;
  return `${names.length} ${word}s`;
}

/** In words what a profile adds up to. */
export function addsUpTo(draft: Draft, nameOf: (list: Lists, id: string) => string): string {
  const names = (list: Lists) => draft[list].map((id) => nameOf(list, id));
  const [projects, instances, servers] = [names("projects"), names("instances"), names("servers")];
  const has = (key: ActionKey) => draft.actions.includes(key);
  const sees = [
    has("view_projects") && projects.length ? named(projects, "project") : "",
    instances.length ? named(instances, "instance") : "",
    servers.length ? named(servers, "server") : "",
  ].filter(Boolean);
  const sentences = [sees.length ? `Sees ${listed(sees)}.` : "Sees no project, no instance and no server."];
  const isOne = instances.length === 1;
  const does = Object.entries(DOES).flatMap(([key, [it, them]]) => (has(key as ActionKey) ? [isOne ? it : them] : []));
  if (instances.length && does.length) sentences.push(`May ${listed(does)}.`);
  if (instances.length && !does.length)
    sentences.push(`May look at ${isOne ? "it" : "them"}, and do nothing with ${isOne ? "it" : "them"}.`);
  if (!instances.length && does.length) sentences.push("The switches work on nothing until an instance is allowed.");
  if (has("view_projects") && !projects.length) sentences.push("View projects shows none until a project is allowed.");
  if (!has("view_projects") && projects.length)
    sentences.push("Can't open the allowed projects without View projects.");
  if (has("merge_branches")) {
    if (projects.length) sentences.push("May merge where every instance of the target is allowed.");
    else sentences.push("Can't merge until a project is allowed.");
  }
  if (has("use_ide") && has("view_projects") && projects.length)
    sentences.push("May push to branches whose instances are all allowed.");
  if (!servers.length && instances.length) sentences.push("Can't see any server.");
  return sentences.join(" ");
}
