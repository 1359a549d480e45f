import type { MyWorkspace } from "@/api/nouns";
import { useMe } from "@/api/queries";

function kept(): string | null {
  try {
    return localStorage.getItem("stoa-last-workspace");
  } catch {
    return null;
  }
}

/** The workspace that was open last in this browser, where one is still in it; else the only one that one is in. */
export function useLast(): MyWorkspace | undefined {
  const mine = useMe().data?.workspaces ?? [];
  const last = kept();
  return mine.find(({ slug }) => slug === last) ?? (mine.length === 1 ? mine[0] : undefined);
}
