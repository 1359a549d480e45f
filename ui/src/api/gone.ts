// After something was deleted: what is asked of it isn't asked any more. It would stand in the log as if somebody had tried.

import { gone, queryClient } from "./queries";
import { close, NOT_FOUND } from "./rights";

/** By then whoever has deleted it has left its page, where nothing is to be said of it; others are told that it is gone. */
const LEFT = 500;

/** Whether it is asked of a thing: its lists by its id, itself and what is below it by any word that it is addressed by. */
function isOf(key: readonly unknown[], list: string, id: string, words: string[]): boolean {
  const isBelow = (part: string) => words.some((word) => `${part}/`.startsWith(`/${list}/${word}/`));
  return key.some((part, at) => {
    if (part === id) return true;
    return at > 2 && typeof part === "string" && ((key[1] === list && words.includes(part)) || isBelow(part));
  });
}

/** From now on nothing is asked of what was deleted; soon nothing is shown of it either. */
export function letGo(workspace: string, kind: string, id: string): void {
  const list = `${kind}s`;
  const found = queryClient.getQueryCache().findAll({ queryKey: [workspace] });
  const words = new Set([id]);
  for (const { queryKey, state } of found) {
    const { id: its, slug } = (state.data ?? {}) as { id?: unknown; slug?: unknown };
    if (queryKey[1] !== list || queryKey[2] !== "object" || its !== id) continue;
    words.add(String(queryKey[3]).split("/")[2] ?? id);
    if (typeof slug === "string") words.add(slug);
  }
  const mine = found.filter(({ queryKey }) => isOf(queryKey, list, id, [...words]));
  for (const query of mine) {
    void query.cancel({ revert: true, silent: true });
    gone.add(query.queryHash);
  }
  setTimeout(() => {
    for (const query of mine)
      if (query.getObserversCount() === 0) queryClient.removeQueries({ queryKey: query.queryKey, exact: true });
      else if (gone.has(query.queryHash)) close(query, NOT_FOUND);
  }, LEFT);
}
