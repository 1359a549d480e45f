import { useContext } from "react";
import type { Tagged } from "@/api/client";
import type { Workspace } from "@/api/nouns";
import { WorkspaceContext } from "@/kit/workspaceContext";

/** The workspace whose pages these are. Only below WorkspaceFrame. */
export function useWorkspace(): Tagged<Workspace> {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("useWorkspace is for pages inside of a workspace");
  return workspace;
}
