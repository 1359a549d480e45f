// What opens while an owner views as a member: of the workspace that is viewed, the pages that say so, and nothing else.

import { useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { isViewed, viewing } from "@/api/viewing";
import { ClosedInView } from "@/kit";
import { later } from "@/kit/later";
import { Shell } from "./Shell";

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    /** It is shown to whoever views as a member. Every other route is closed to them. */
    isShownInView?: boolean;
  }
}

const Elsewhere = later(async () => (await import("./Elsewhere")).Elsewhere);

/** Around all pages: none of another place opens. */
export function OfView({ children }: { children: ReactNode }) {
  const isWithin = useRouterState({
    select: ({ matches }) =>
      matches.some(({ routeId, params }) => routeId === "/signed-in/$workspace" && isViewed(params.workspace)),
  });
  if (!viewing() || isWithin) return children;
  return (
    <Shell workspace={null}>
      <Elsewhere />
    </Shell>
  );
}

/** Around the pages of a workspace: those that don't say that they are shown are closed. */
export function ShownInView({ children }: { children: ReactNode }) {
  const isShown = useRouterState({ select: ({ matches }) => matches.at(-1)?.staticData.isShownInView === true });
  return viewing() && !isShown ? <ClosedInView /> : children;
}
