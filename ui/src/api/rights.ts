// After one's rights have changed, or may have: the page learns first what they are now, and asks anew only what it may
// still see. What can only be refused isn't asked: it would stand in the log as if somebody had tried.

import type { Query } from "@tanstack/react-query";
import { Problem } from "./problem";
import { askAnew, closed, gone, ME, queryClient, workspaceOptions } from "./queries";

type Key = readonly unknown[];
const THINGS = ["projects", "instances", "servers"] as const;
type Things = (typeof THINGS)[number];
const isOfThings = (noun: unknown): noun is Things => THINGS.includes(noun as Things);

/**
 * What hangs on what: oneself and the workspace's own answer; lists, and things by themselves; and what is asked of a
 * thing. Each is drawn before the next is asked, so that what isn't shown any more isn't asked for.
 */
export function levelOf([whose, noun, form, key]: Key): 0 | 1 | 2 {
  if (whose === ME[0] || (noun === "workspace" && form === undefined)) return 0;
  if (noun === "counts") return 1;
  if (form === "object") return isOfThings(noun) && /^\/[^/]+\/[^/]+$/.test(String(key)) ? 1 : 2;
  // A list of what a thing has begins with the thing's id.
  if (form === "all" || form === "pages") return typeof key === "string" ? 2 : 1;
  return 2;
}

/** What is answered where there is nothing that one may see. */
export const NOT_FOUND = new Problem({
  status: 404,
  code: "not_found",
  title: "Not found",
  detail: "The address leads to nothing that exists, or to nothing that you may see.",
});

/** What would be answered, as far as one's own profile says so; null where it has to be asked. */
function refusalOf(workspace: string, { queryKey, queryHash, state }: Query): { problem: Problem; id: string } | null {
  const [, noun, form] = queryKey;
  const rights = queryClient.getQueryData(workspaceOptions(workspace).queryKey)?.permissions;
  if (!rights || !isOfThings(noun)) return null;
  const id = form === "object" ? ((state.data as { id?: string } | undefined)?.id ?? closed.get(queryHash)) : undefined;
  if (id && rights[noun]?.includes(id) === false) {
    return { id, problem: NOT_FOUND };
  }
  if (noun !== "projects" || rights.actions.includes("view_projects")) return null;
  const detail = "Your permissions in this workspace don't include this. Ask an owner.";
  const missing = ["view_projects"];
  const problem = new Problem({ status: 403, code: "permission_denied", title: "Not allowed", detail, missing });
  return { id: id ?? "", problem };
}

/** Shows and keeps nothing of it any more, without a question. */
export function close(query: Query, problem: Problem): void {
  void query.cancel({ silent: true });
  query.setState({ data: undefined, error: problem, status: "error", fetchStatus: "idle", isInvalidated: false });
}

/** By then the page has drawn what it was told: what it shows no more has no observer any more. */
const drawn = () => new Promise<void>((go) => setTimeout(go, 50));

async function inTurn(workspace: string, fits: (key: Key, hash: string) => boolean): Promise<void> {
  for (const level of [0, 1, 2]) {
    const mine = queryClient.getQueryCache().findAll({
      predicate: ({ queryKey, queryHash }) =>
        levelOf(queryKey) === level && !gone.has(queryHash) && fits(queryKey, queryHash),
    });
    if (mine.length === 0) continue;
    const hashes = new Set<string>();
    for (const query of mine) {
      const refusal = level === 1 ? refusalOf(workspace, query) : null;
      if (refusal) {
        close(query, refusal.problem);
        closed.set(query.queryHash, refusal.id);
      } else {
        closed.delete(query.queryHash);
        hashes.add(query.queryHash);
      }
    }
    await askAnew((_, hash) => hashes.has(hash));
    if (level < 2) await drawn();
  }
}

/** Asks everything of a workspace anew: what isn't shown just now is dropped, and asked when it is shown again. */
export function refreshRights(workspace: string): Promise<void> {
  queryClient.removeQueries({
    predicate: (query) =>
      query.queryKey[0] === workspace && isOfThings(query.queryKey[1]) && query.getObserversCount() === 0,
  });
  return inTurn(workspace, ([whose]) => whose === workspace);
}

/** Asks anew what was asked before a moment: of a workspace, and who this is. */
export function refreshOlder(workspace: string, wasBefore: (hash: string) => boolean): Promise<void> {
  return inTurn(workspace, ([whose], hash) => (whose === workspace || whose === ME[0]) && wasBefore(hash));
}
