// What is asked and done about a project's remote repository. It changes with the project: by the same events.

import { viewRemote } from "@/api/generated";
import { useObject } from "@/api/queries";

/** What is refreshed when something was done to a remote repository. */
export const AFTER = ["projects"] as const;

export const useRemote = (workspace: string, project: string, enabled = true) =>
  useObject(
    workspace,
    "projects",
    `/projects/${project}/remote`,
    (init) => viewRemote(workspace, project, init),
    enabled,
  );
