// The frame around every page of a workspace: its colour, its sidebar and header, its events, and what is shown when
// one isn't, or is no longer, a member.

import { Outlet, useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useRef } from "react";
import { useEvents } from "@/api/events";
import { isCode, isRefusal } from "@/api/problem";
import { queryClient, useMe, useWorkspaceQuery } from "@/api/queries";
import { viewing, viewMoved } from "@/api/viewing";
import { Failed, LoadingPage, Removed } from "@/kit";
import { later } from "@/kit/later";
import { WorkspaceContext } from "@/kit/workspaceContext";
import { dress } from "@/theme/look";
import { ShownInView } from "./InView";
import { Reasons } from "./Reasons";
import { Shell } from "./Shell";

const NotThere = later(async () => (await import("./NotThere")).NotThere);
const ViewEnded = later(async () => (await import("./Elsewhere")).ViewEnded);

export function WorkspaceFrame() {
  const { workspace: slug } = useParams({ from: "/signed-in/$workspace" });
  const asked = useWorkspaceQuery(slug);
  // A question that failed otherwise says nothing against what is shown, and typed.
  const workspace = isRefusal(asked.error) ? undefined : asked.data;
  const known = useRef<{ slug: string; name: string } | null>(null);
  const navigate = useNavigate();
  const location = useLocation();
  const isGone = isCode(asked.error, "not_found");

  if (workspace) known.current = { slug, name: workspace.name };

  // Its pages go by the slug of today from here on. What they show, and what is typed in it, stays; it is asked anew once
  // the events are heard.
  const moved = useRef(slug);
  if (workspace && workspace.slug !== slug && workspace.slug !== moved.current) {
    viewMoved(workspace.slug);
    for (const [[, ...key], known] of queryClient.getQueriesData({ queryKey: [slug] }))
      queryClient.setQueryData([workspace.slug, ...key], known);
  }
  moved.current = workspace?.slug ?? slug;

  const isListening = useEvents(slug, !isGone);
  // Under another slug the same workspace's events are followed anew: what is shown, and typed, stays meanwhile.
  const listenedTo = useRef<string | null>(null);
  if (workspace && isListening) listenedTo.current = workspace.id;

  // Before its own answer is there, the account's list says how it looks: changing to it shows no other colour.
  const listed = useMe().data?.workspaces.find((mine) => mine.slug === slug);
  const look = workspace ?? (isGone ? null : listed);
  useLayoutEffect(() => {
    // One that isn't listed under this slug may be an old one of it: what the shell came with stays until it is known.
    if (look) dress(look);
  }, [look]);
  useEffect(() => {
    if (!workspace) return;
    try {
      localStorage.setItem("stoa-last-workspace", workspace.slug);
    } catch {
      // Then the front door leads to the list.
    }
    // What signing in here looks like another time.
    void import("@/features/session/remembered").then(({ remember }) => remember(workspace));
  }, [workspace]);

  // An old slug, or one in other letters, leads on to the one of today.
  useEffect(() => {
    if (!workspace || workspace.slug === slug || workspace.id === slug) return;
    const rest = location.pathname.split("/").slice(2).join("/");
    const href = `/${workspace.slug}${rest && `/${rest}`}${location.searchStr}`;
    // Nobody leaves the page by it.
    void navigate({ href, replace: true, ignoreBlocker: true });
  }, [workspace, slug, location.pathname, location.searchStr, navigate]);

  useEffect(() => {
    if (!isGone) return;
    dress(null);
    void import("@/features/session/remembered").then(({ forget }) => forget(slug));
    queryClient.removeQueries({ predicate: ({ queryKey: [whose, noun] }) => whose === slug && noun !== "workspace" });
  }, [isGone, slug]);

  if (isGone) {
    const was = known.current?.slug === slug ? known.current.name : null;
    if (viewing())
      return (
        <Shell workspace={null} isEnded>
          <ViewEnded name={was ?? listed?.name ?? slug} isStillMine={listed !== undefined} />
        </Shell>
      );
    return <Shell workspace={null}>{was ? <Removed name={was} slug={slug} /> : <NotThere />}</Shell>;
  }
  if (asked.error && !workspace && !isCode(asked.error, "unauthenticated"))
    return (
      <Shell workspace={null}>
        <Failed error={asked.error} retry={() => void asked.refetch()} />
      </Shell>
    );
  const shown = workspace && listenedTo.current === workspace.id ? workspace : null;
  // The first start stands alone: there is nothing to go to yet. Whoever is refused it has somewhere to go.
  const isAlone = location.pathname.split("/")[2] === "start" && shown?.may.includes("manage");
  // The shell that stood there while it was asked for is the one that stays: what was opened in it meanwhile does too.
  // Another workspace has another one.
  return (
    <WorkspaceContext.Provider value={shown}>
      <Reasons workspace={shown}>
        {isAlone && !viewing() ? (
          <Outlet />
        ) : (
          <Shell
            key={look?.id ?? slug}
            workspace={shown}
            soon={shown ? undefined : (workspace ?? listed)}
            isLoading={!shown}
          >
            {shown ? (
              <ShownInView>
                <Outlet />
              </ShownInView>
            ) : (
              <LoadingPage />
            )}
          </Shell>
        )}
      </Reasons>
    </WorkspaceContext.Provider>
  );
}
