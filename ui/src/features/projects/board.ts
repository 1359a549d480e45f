// Which card stands in which column.

import type { Branch, Stage } from "@/api/nouns";

export type Card = { branch: Branch; instances: Branch["instances"] };

/** A branch stands in the column of each stage that an instance deploys it to; without one, in development. */
export function columns(branches: Branch[]): Record<Stage, Card[]> {
  const board: Record<Stage, Card[]> = { production: [], staging: [], development: [] };
  for (const branch of branches) {
    const stages = new Set(branch.instances.map(({ stage }) => stage));
    if (stages.size === 0) board.development.push({ branch, instances: [] });
    for (const stage of stages)
      board[stage].push({ branch, instances: branch.instances.filter((instance) => instance.stage === stage) });
  }
  const at = ({ branch }: Card) => branch.commit?.at ?? "";
  const newest = (one: Card, other: Card) => at(other).localeCompare(at(one));
  for (const cards of Object.values(board)) cards.sort(newest);
  return board;
}

/** How a branch stands to the default one, in words. */
export function distance(branch: Branch, base: string): string {
  if (!branch.commit) return "deleted";
  if (branch.is_default) return "default";
  if (branch.ahead === null || branch.behind === null) return `${base} is gone`;
  const parts = [branch.ahead && `${branch.ahead} ahead`, branch.behind && `${branch.behind} behind`].filter(Boolean);
  if (parts.length === 0) return `even with ${base}`;
  if (parts.length === 2) return parts.join(", ");
  return branch.ahead ? `${parts[0]} of ${base}` : `${parts[0]} ${base}`;
}

/** What comes next where a branch was deleted; null where it is there. */
export function afterDeletion({ branch, instances }: Card): string | null {
  if (branch.commit) return null;
  const one = instances.length === 1;
  const going =
    instances.length === 0
      ? ""
      : ` ${one ? "Its instance goes on as it is" : "Its instances go on as they are"}, and nothing new is deployed until the branch is pushed again.`;
  const other = branch.is_default ? " Push it again, or make another branch the default one in Settings." : "";
  return `The ${branch.is_default ? "default " : ""}branch was deleted.${going}${other}`;
}
