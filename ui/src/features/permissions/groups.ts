// A difference in the order in which it is told: the switches, the ends, and what it is about by its number.

import type { ActionKey } from "@/api/nouns";
import { ACTIONS } from "@/kit/actions";
import { type Change, LISTS, type Lists } from "./difference";

type Of<Kind> = Extract<Change, { kind: Kind }>;

export type Groups = {
  actions: Of<"action">[];
  ends: Of<"end">[];
  lists: { list: Lists; changes: Of<"resource">[] }[];
};

const place = (key: ActionKey) => ACTIONS.findIndex((action) => action.key === key);

export function grouped(changes: Change[]): Groups {
  const of = <Kind extends Change["kind"]>(kind: Kind) =>
    changes.filter((change): change is Of<Kind> => change.kind === kind);
  const resources = of("resource");
  return {
    actions: of("action").sort((one, other) => place(one.key) - place(other.key)),
    ends: of("end"),
    lists: LISTS.map((list) => ({ list, changes: resources.filter((change) => change.list === list) })).filter(
      (group) => group.changes.length > 0,
    ),
  };
}

/** "49 added, 2 taken away". */
export function counted(changes: { added: boolean }[]): string {
  const added = changes.filter((change) => change.added).length;
  const parts = [
    [added, "added"],
    [changes.length - added, "taken away"],
  ].filter(([number]) => number !== 0);
  return parts.map(([number, word]) => `${number} ${word}`).join(", ");
}

export type Sum = { key: ActionKey; added: boolean; of: number };

/** The switches of several differences: how many members get each, and lose it. */
export function summed(each: Change[][]): Sum[] {
  const sums = new Map<string, Sum>();
  for (const changes of each)
    for (const { key, added } of grouped(changes).actions) {
      const sum = sums.get(`${key} ${added}`) ?? { key, added, of: 0 };
      sums.set(`${key} ${added}`, { ...sum, of: sum.of + 1 });
    }
  return [...sums.values()].sort((one, other) => place(one.key) - place(other.key));
}
