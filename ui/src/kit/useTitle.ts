import { useContext, useEffect } from "react";
import { WorkspaceContext } from "./workspaceContext";

/** Names the browser's tab: by the workspace where it is a page of one, so that those of two are told apart. */
export function useTitle(title: string) {
  const workspace = useContext(WorkspaceContext)?.name;
  useEffect(() => {
    document.title = workspace ? `${title}, ${workspace}` : `${title} · Stoa`;
  }, [title, workspace]);
}
