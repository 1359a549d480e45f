// Git's letters beside the names of files.

import type { Change } from "@/api/generated";

export type Letter = "A" | "M" | "D" | "U";

export const meaning: Record<Letter, string> = {
  A: "new",
  M: "changed",
  D: "deleted",
  U: "in conflict",
};

/** The one letter of a change: what became of the file since the last commit. */
export function letterOf(change: Change): Letter {
  if (change.is_conflict) return "U";
  if (change.unstaged === "?" || change.staged === "A") return "A";
  return change.staged === "D" || change.unstaged === "D" ? "D" : "M";
}

/** By path; a folder of new files has its slash. */
export function lettersOf(changes: readonly Change[]): Map<string, Letter> {
  return new Map(changes.map((change) => [change.path, letterOf(change)]));
}

/** A file's own letter, or that of a new folder that it is in; a folder's, where all in it is new. */
export function letterAt(letters: ReadonlyMap<string, Letter>, path: string): Letter | undefined {
  const own = letters.get(path) ?? letters.get(`${path}/`);
  if (own) return own;
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    if (letters.get(`${path.slice(0, at)}/`) === "A") return "A";
  return undefined;
}

/** Whether anything below a folder differs. */
export function differsBelow(letters: ReadonlyMap<string, Letter>, folder: string): boolean {
  for (const path of letters.keys()) if (path.startsWith(`${folder}/`)) return true;
  return false;
}

/** What is staged of it, at least in part. */
export const isStaged = (change: Change): boolean => change.staged !== "." && change.unstaged !== "?";
