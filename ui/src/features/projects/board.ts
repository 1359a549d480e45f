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
  const newest = (one: Card, other: Card) => other.branch.commit.at.localeCompare(one.branch.commit.at);
  for (const cards of Object.values(board)) cards.sort(newest);
  return board;
}

/** How a branch stands to the default one, in words. */
export function distance(branch: Branch, base: string): string {
  if (branch.is_default) return "default";
  const parts = [branch.ahead && `${branch.ahead} ahead`, branch.behind && `${branch.behind} behind`].filter(Boolean);
  if (parts.length === 0) return `even with ${base}`;
  if (parts.length === 2) return parts.join(", ");
  return branch.ahead ? `${parts[0]} of ${base}` : `${parts[0]} ${base}`;
}
