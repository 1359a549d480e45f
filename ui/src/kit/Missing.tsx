import { useContext } from "react";
import { useOwners } from "@/api/memberQueries";
import type { ActionKey } from "@/api/nouns";
import { actionOf } from "./actions";
import { WorkspaceContext } from "./workspaceContext";

/** As many as are named; then it says that there are others. */
const MOST = 3;

/** "Anna", "Anna or Bo", "Anna, Bo, Cem or another owner". */
export function oneOf(names: string[]): string {
  if (names.length === 0) return "an owner";
  const named = names.length > MOST ? [...names.slice(0, MOST), "another owner"] : names;
  const last = named.at(-1) ?? "";
  return named.length === 1 ? last : `${named.slice(0, -1).join(", ")} or ${last}`;
}

/** What is missing for a button that is there, and off; and whom to ask. */
export function Missing({ action }: { action: ActionKey }) {
  const workspace = useContext(WorkspaceContext);
  const { names } = useOwners(workspace?.slug ?? "", workspace !== null);
  return `You need the permission ${actionOf(action)?.label}. Ask ${oneOf(names ?? [])}.`;
}
