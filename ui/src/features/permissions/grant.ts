// Adds one thing to a member's list, and changes nothing else of what they may do.

import { ifMatch, type Tagged } from "@/api/client";
import { setPermissions, viewPermissions } from "@/api/generated";
import type { Permissions } from "@/api/nouns";
import { isCode } from "@/api/problem";
import { draftOf } from "./difference";

/** So often somebody else may have saved in between. */
const TRIES = 3;

/** Nothing where it is on the list already, or where the member is an owner by now: then there is no list. */
export async function grantInstance(workspace: string, member: string, instance: string): Promise<void> {
  for (let left = TRIES; ; left -= 1) {
    const saved = (await viewPermissions(workspace, member)) as Tagged<Permissions>;
    if (saved.instances === null || saved.instances.includes(instance)) return;
    const draft = draftOf(saved);
    try {
      await setPermissions(
        workspace,
        member,
        { ...draft, instances: [...draft.instances, instance] },
        ifMatch(saved.etag),
      );
      return;
    } catch (failure) {
      if (left <= 1 || !isCode(failure, "precondition_failed")) throw failure;
    }
  }
}
