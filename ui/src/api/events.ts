// One event stream for all tabs of a browser: whichever tab holds the lock reads it and tells the others. What it says
// makes queries be asked anew; it carries no content, so nothing can be shown from it that may not be seen.

import { useEffect } from "react";
import { address, at } from "./client";
import { ME, type Noun, queryClient, refresh } from "./queries";
import type { StoaEvent } from "./types";

const NOUNS: Record<string, Noun[]> = {
  // What plain members don't see, such as invitations, is told as a change of the workspace.
  workspace: ["workspace", "invitations"],
  member: ["members", "permissions", "invitations"],
  invitation: ["invitations"],
  project: ["projects"],
  instance: ["instances", "projects", "jobs", "deployments", "environment"],
  server: ["servers"],
  job: ["jobs", "instances", "deployments"],
};

type Told = { kind: "event"; event: StoaEvent } | { kind: "opened" } | { kind: "ended" };

/** Several events in a moment become one round of questions. */
function collector(workspace: string) {
  const waiting = new Set<Noun>();
  let all = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = () => {
    timer = null;
    const nouns = [...waiting];
    waiting.clear();
    if (all) void refresh(workspace);
    else void refresh(workspace, ...nouns, "audit");
    all = false;
  };
  return {
    add(nouns: Noun[] | null) {
      if (nouns === null) all = true;
      else for (const noun of nouns) waiting.add(noun);
      timer ??= setTimeout(flush, 40);
    },
    stop() {
      if (timer) clearTimeout(timer);
    },
  };
}

function follow(workspace: string, id: string): () => void {
  const name = `stoa-events-${id}`;
  const channel = new BroadcastChannel(name);
  const collected = collector(workspace);
  const over = new AbortController();
  let source: EventSource | null = null;
  let pause = 500;
  let again: ReturnType<typeof setTimeout> | null = null;

  const hear = (told: Told) => {
    if (told.kind === "opened") return collected.add(null);
    if (told.kind === "ended" || told.event.type === "membership_ended" || told.event.type === "access_changed") {
      void queryClient.invalidateQueries({ queryKey: ME });
      return collected.add(null);
    }
    if (told.event.resource?.kind === "workspace") void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    collected.add(NOUNS[told.event.resource?.kind ?? ""] ?? null);
  };
  const tell = (told: Told) => {
    channel.postMessage(told);
    hear(told);
  };

  const open = (isFirst: boolean) => {
    if (over.signal.aborted) return;
    source = new EventSource(address(at`/workspaces/${id}/events`));
    let hasOpened = false;
    source.onopen = () => {
      // What happened while nobody listened is asked for; the very first time the page has just asked.
      if (!isFirst || hasOpened) tell({ kind: "opened" });
      hasOpened = true;
      pause = 500;
    };
    source.onmessage = (message) => tell({ kind: "event", event: JSON.parse(message.data) as StoaEvent });
    const end = () => {
      source?.close();
      tell({ kind: "ended" });
      // The right to it may come back, and a server that was away too; whoever has none any more has left this page.
      again = setTimeout(() => open(false), pause);
      pause = Math.min(pause * 2, 30_000);
    };
    source.addEventListener("end", end);
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) end();
    };
  };

  channel.onmessage = (message: MessageEvent<Told>) => hear(message.data);
  const stopped = new Promise<void>((resolve) => over.signal.addEventListener("abort", () => resolve()));
  // Browsers offer locks where the page is secure; elsewhere each tab reads for itself.
  if (navigator.locks) {
    void navigator.locks
      .request(name, { signal: over.signal }, () => {
        open(true);
        return stopped;
      })
      .catch(() => {});
  } else open(true);

  return () => {
    over.abort();
    if (again) clearTimeout(again);
    source?.close();
    channel.close();
    collected.stop();
  };
}

/** Keeps the pages of one workspace as they are at the server. */
export function useEvents(workspace: string, id: string | undefined) {
  useEffect(() => (id ? follow(workspace, id) : undefined), [workspace, id]);
}
