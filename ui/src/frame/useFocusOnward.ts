import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { isOfView } from "@/api/viewing";

/** Where the page stood last. Whoever enters a view or leaves it comes from elsewhere too, though all is loaded anew. */
let before: string | null = isOfView() ? "" : null;

/** From a page that stands alone it goes on to one with a frame. */
export function goOnward(): void {
  before = "";
}

/** What led to another page may be gone with the one that it stood on: the focus then goes on at the new page. */
export function useFocusOnward(isReady: boolean): void {
  const pathname = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname ?? null });
  useEffect(() => {
    if (!isReady || pathname === null) return;
    const isElsewhere = before !== null && before !== pathname;
    before = pathname;
    const now = document.activeElement;
    if (isElsewhere && (!now || now === document.body)) document.getElementById("main")?.focus({ preventScroll: true });
  }, [isReady, pathname]);
}
