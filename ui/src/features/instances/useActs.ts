import { createBackup, deployInstance, restartInstance, startInstance } from "@/api/generated";
import type { Job } from "@/api/nouns";
import { useAct } from "@/api/queries";

export const AFTER = ["instances", "jobs", "deployments"] as const;

type Of = { id: string; act: Extract<Job["kind"], "restart_soft" | "restart_hard" | "start" | "deploy" | "backup"> };

/** What is begun at an instance without a question. What went wrong is of the last that was tried: `variables` is of what. */
export const useActs = (workspace: string, onDone?: () => void) =>
  useAct<Of>(workspace, {
    act: ({ id, act }) => {
      if (act === "start") return startInstance(workspace, id, {});
      if (act === "deploy") return deployInstance(workspace, id, {});
      if (act === "backup") return createBackup(workspace, id, {});
      return restartInstance(workspace, id, { mode: act === "restart_soft" ? "soft" : "hard" });
    },
    nouns: [...AFTER],
    ...(onDone && { onDone }),
  });

export type Acts = ReturnType<typeof useActs>;
