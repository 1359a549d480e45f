import { createServer } from "@/api/generated";
import type { Server } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { refresh } from "@/api/queries";
import { useMutation } from "@/api/useMutation";

/** What an application of one's own needs before it can be pushed: a server. One that is there stays. */
export function usePrepare(workspace: string, servers: Server[] | undefined) {
  const act = useMutation<void, Problem, void>({
    mutationFn: async () => {
      if (servers?.length === 0) await createServer(workspace, { name: "local", local: true });
    },
    onSettled: () => refresh(workspace, "servers", "projects", "counts"),
  });
  const server = () =>
    act.mutateAsync().then(
      () => true,
      () => false,
    );
  return { server, isPending: act.isPending, problem: act.error };
}
