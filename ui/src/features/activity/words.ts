// What an audit event says beside its sentence, which is the server's: choices to narrow the log by, names that stand
// out, and differences as rows.

import { AuditAction } from "@/api/generated";
import type { AuditEvent } from "@/api/nouns";
import { actionOf } from "@/kit/actions";

const NOUNS: Record<string, string> = {
  workspace: "Workspace",
  logo: "Logo",
  member: "Members",
  preset: "Presets",
  invitation: "Invitations",
  job: "Running work",
  server: "Servers",
  project: "Projects",
  instance: "Instances",
  ai: "AI",
};

/** Operations whose name says little to whoever reads a log. */
const VERBS: Record<string, string> = {
  "workspace.read_audit": "Read the audit log",
  "workspace.read_own_audit": "Read their own events",
  "workspace.follow_events": "Follow changes",
  "workspace.name_owner": "Name an owner from outside",
  "member.set_permissions": "Set permissions",
  "member.set_permissions_of_several": "Set permissions of several",
  "member.grant_ended": "A grant ended",
  "member.view_as": "View as a member",
  "member.find_who": "Ask who may",
  "member.list_grantable": "List what can be granted",
  "member.explain": "Ask why",
  "project.compare_heads": "Find new commits",
  "project.default_branch": "Change the default branch",
};

const plain = (text: string) => text.replaceAll("_", " ");
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Everything that can be done, by what it is done to. */
export const CHOICES = (() => {
  const groups = new Map<string, { value: string; label: string }[]>();
  for (const value of Object.values(AuditAction)) {
    const [noun = "", verb = ""] = value.split(".");
    const group = NOUNS[noun] ?? capital(plain(noun));
    groups.set(group, [...(groups.get(group) ?? []), { value, label: VERBS[value] ?? capital(plain(verb)) }]);
  }
  return [...groups].map(([group, items]) => ({ group, items }));
})();

/** The same choices with their noun: what a chosen one shows by itself. */
export function labelOf(action: string): string {
  const group = CHOICES.find(({ items }) => items.some(({ value }) => value === action));
  const item = group?.items.find(({ value }) => value === action);
  return group && item ? `${group.group}: ${item.label.toLowerCase()}` : action;
}

export const OUTCOMES = [
  { value: "done", label: "Done" },
  { value: "refused", label: "Refused" },
  { value: "failed", label: "Failed" },
];

/** A sentence in pieces; those that are names stand out. */
export function pieces({ sentence, resource_name, second_name }: AuditEvent): { text: string; isName: boolean }[] {
  const found: { text: string; isName: boolean }[] = [];
  let rest = sentence;
  const names = [resource_name, second_name].filter((name): name is string => Boolean(name));
  while (rest) {
    const next = names
      .map((name) => ({ name, at: rest.indexOf(name) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at || b.name.length - a.name.length)[0];
    if (!next) break;
    if (next.at > 0) found.push({ text: rest.slice(0, next.at), isName: false });
    found.push({ text: next.name, isName: true });
    rest = rest.slice(next.at + next.name.length);
  }
  if (rest) found.push({ text: rest, isName: false });
  return found;
}

export type Row = { name: string; before?: string | undefined; after: string };

const FIELDS: Record<string, string> = {
  removed: "Taken away",
  primary_color: "Colour",
  is_protected: "Protected",
  until: "Ends",
  from: "Before",
  to: "After",
  denial: "Why",
  code: "Code",
};
const DENIALS: Record<string, string> = {
  permission_denied: "an action permission was missing",
  token_may_not: "the access token may not do this",
  owner_required: "only owners may do this",
  administrator_required: "only administrators may do this",
  target_not_allowed: "an instance that deploys the branch wasn't allowed",
  wrong_account: "it was another account",
  not_found: "it doesn't exist, or wasn't allowed",
};

const nameOf = (field: string) => FIELDS[field] ?? capital(plain(field));

function said(value: unknown, field = ""): string {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") {
    if (field === "denial") return DENIALS[value] ?? plain(value);
    return actionOf(value)?.label ?? value;
  }
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.length ? value.map((one) => said(one)).join(", ") : "none";
  const named = value as { name?: unknown; id?: unknown };
  if (typeof named.name === "string") return named.name;
  return Object.entries(value as object)
    .map(([name, one]) => `${nameOf(name)}: ${said(one, name)}`)
    .join("; ");
}

const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
/** A moment. Older events keep it in microseconds; what is stored never changes. */
const moment = (at: string | number | null) =>
  at === null ? "never" : exact.format(typeof at === "number" ? at / 1000 : Date.parse(at));

/** When a grant ends, before and after. Older events don't say what kind of thing it is of. */
type End = { of: string; kind?: string; before: string | number | null; after: string | number | null };

/** Whose end it is: by its kind too where others have the same name. */
function endsOf(ends: End[]): Row[] {
  const named = ends.map(({ of, kind }) => ((kind ?? "action") === "action" ? (actionOf(of)?.label ?? of) : of));
  return ends.map(({ kind, before, after }, at) => {
    const name = named[at] ?? "";
    const isShared = kind && named.filter((other) => other === name).length > 1;
    return { name: `Ends: ${name}${isShared ? ` (${kind})` : ""}`, before: moment(before), after: moment(after) };
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What an event's detail holds, row by row: with what there was before, where it is known. */
export function rowsOf(detail: unknown): Row[] {
  if (!isObject(detail)) return [];
  const { before, after, ...others } = detail;
  const rows: Row[] = [];
  if (isObject(before) && isObject(after)) {
    for (const field of new Set([...Object.keys(before), ...Object.keys(after)]))
      rows.push({ name: nameOf(field), before: said(before[field], field), after: said(after[field], field) });
  }
  for (const [field, value] of Object.entries(others)) {
    if (isObject(value) && ["added", "removed"].includes(field)) {
      for (const [list, entries] of Object.entries(value))
        rows.push({ name: `${nameOf(field)}: ${plain(list)}`, after: said(entries, list) });
    } else if (field === "until" && Array.isArray(value)) {
      rows.push(...endsOf(value as End[]));
    } else if (field !== "until" || (isObject(value) && Object.keys(value).length > 0))
      rows.push({ name: nameOf(field), after: said(value, field) });
  }
  return rows;
}
