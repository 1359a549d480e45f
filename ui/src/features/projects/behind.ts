// Whether an instance runs what its branch has by now.

import type { Branch, Instance } from "@/api/nouns";

/** What an instance runs instead of its branch's newest commit. `runs`: null where nothing was ever deployed whole. */
export type Behind = { runs: string | null; newest: NonNullable<Branch["commit"]> };

/** Null where it runs the newest, where that isn't known, and while a deployment decides it. */
export function behind(
  instance: Pick<Instance, "branch" | "commit" | "job"> | undefined,
  branch: Pick<Branch, "name" | "commit"> | undefined,
): Behind | null {
  if (!instance || !branch?.commit || instance.branch !== branch.name) return null;
  if (instance.commit === branch.commit.id) return null;
  if (instance.job && (instance.job.kind === "deploy" || instance.job.kind === "restore")) return null;
  return { runs: instance.commit, newest: branch.commit };
}
