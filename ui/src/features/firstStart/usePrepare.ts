import { createProject, createServer } from "@/api/generated";
import type { Server } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { refresh } from "@/api/queries";
import { useMutation } from "@/api/useMutation";

/** The project that the example is pushed to. */
export const EXAMPLE = "guestbook";

/** What an application needs before it can be pushed: a server, and a repository. What is there already stays. */
export function usePrepare(workspace: string, servers: Server[] | undefined) {
  const act = useMutation<void, Problem, { withExample: boolean }>({
    mutationFn: async ({ withExample }) => {
      if (servers?.length === 0) await createServer(workspace, { name: "local", local: true });
      if (withExample) await createProject(workspace, { name: EXAMPLE, repository: { kind: "hosted" } });
    },
    onSettled: () => refresh(workspace, "servers", "projects", "counts"),
  });
  const tried = (withExample: boolean) =>
    act.mutateAsync({ withExample }).then(
      () => true,
      () => false,
    );
  return { server: () => tried(false), example: () => tried(true), isPending: act.isPending, problem: act.error };
}
