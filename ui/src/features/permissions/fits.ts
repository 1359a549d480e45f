// What each action is done to, and how it is told. It only narrows what is offered to be asked about: the server answers.

import type { ActionKey } from "@/api/nouns";
import type { About, AskedKey } from "@/kit";
import { ACTIONS, actionOf } from "@/kit/actions";

const OF_PROJECTS: AskedKey[] = ["view_projects", "merge_branches"];

/** The kinds of things that an action is done to. */
export function kindsOf(action: AskedKey): About["kind"][] {
  if (action === "manage") return ["instance", "project", "server"];
  return OF_PROJECTS.includes(action) ? ["project"] : ["instance"];
}

/** The actions that are done to a kind of thing. */
export const actionsOf = (kind: About["kind"]) => ACTIONS.filter(({ key }) => kindsOf(key).includes(kind));

const DOES: Record<ActionKey, string> = {
  view_projects: "open it",
  restart_instances: "restart and start it",
  connect_as_user: "connect as one of its users",
  merge_branches: "merge its branches",
  stop_instances: "stop it",
  delete_instances: "delete it",
  manage_backups: "back it up and restore it",
  view_logs: "read its logs",
  use_ide: "open its IDE",
  manage_settings: "change its settings",
};

/** The server's answer, with the action by what it does: "may restart and start it". */
export function inWords(detail: string, action: AskedKey | null, isOfOne: boolean): string {
  if (!action || action === "manage" || !isOfOne) return detail;
  return detail.replace(`do this (${actionOf(action)?.label})`, DOES[action]);
}
