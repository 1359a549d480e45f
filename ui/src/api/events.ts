// One event stream for all tabs of a browser: whichever tab holds the lock reads it and tells the others. What it says
// makes queries be asked anew; it carries no content, so nothing can be shown from it that may not be seen.

import { useEffect, useState } from "react";
import { isBack, isLost } from "./connection";
import { getFollowEventsUrl } from "./generated";
import type { StoaEvent } from "./nouns";
import { ME, type Noun, queryClient, refresh, wasAskedBefore } from "./queries";
import { refreshOlder, refreshRights } from "./rights";
import { viewing } from "./viewing";

const NOUNS: Record<string, Noun[]> = {
  // What plain members don't see, such as invitations, is told as a change of the workspace.
  workspace: ["workspace", "invitations", "presets"],
  member: ["members", "permissions", "invitations"],
  invitation: ["invitations"],
  project: ["projects", "permissions"],
  instance: ["instances", "projects", "jobs", "deployments", "environment"],
  // Whether how an instance is told to be is known still.
  server: ["servers", "instances", "permissions"],
  job: ["jobs", "instances", "deployments"],
};

type Told =
  | { kind: "event"; event: StoaEvent }
  | { kind: "opened" }
  | { kind: "lost" }
  | { kind: "ended" }
  | { kind: "gone"; how: Gone };

/** How a workspace went in this browser. */
export type Gone = "deleted" | "left";

const channelOf = (workspace: string) => `stoa-events-${workspace}`;

/** Whether, and how, the workspace under a slug went by what was done in this browser. */
export const goneKey = (workspace: string) => ["gone", workspace] as const;

/** Tells the other tabs how a workspace went: of what is gone the server tells nothing. */
export function tellGone(workspace: string, how: Gone): void {
  const channel = new BroadcastChannel(channelOf(workspace));
  channel.postMessage({ kind: "gone", how } satisfies Told);
  channel.close();
}

/** The members whom the stream told to be gone, by their ids. */
export const removedKey = (workspace: string) => ["removed-members", workspace] as const;

/** Several events in a moment become one round of questions. */
function collector(workspace: string) {
  const waiting = new Set<Noun>();
  let all = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let rights = Promise.resolve();
  const flush = () => {
    timer = null;
    const nouns = [...waiting];
    waiting.clear();
    // Nothing else is asked while it isn't known what may be.
    if (all) rights = rights.then(() => refreshRights(workspace));
    else void rights.then(() => refresh(workspace, ...nouns, "audit"));
    all = false;
  };
  return {
    add(nouns: Noun[] | null) {
      if (nouns === null) all = true;
      else for (const noun of nouns) waiting.add(noun);
      timer ??= setTimeout(flush, 40);
    },
    /** What was deleted isn't asked for by what is asked from then on. */
    letGo(kind: string, id: string) {
      rights = rights
        .then(() => import("./gone"))
        .then(({ letGo }) => letGo(workspace, kind, id))
        .catch(() => {});
    },
    stop() {
      if (timer) clearTimeout(timer);
    },
  };
}

function nounsOf(event: StoaEvent): Noun[] | null {
  // It stands in the log, which is asked anew with whatever is told.
  if (event.type === "refused") return [];
  const nouns = NOUNS[event.resource?.kind ?? ""];
  if (!nouns) return null;
  // Only what comes and goes changes how many there are.
  return event.type === "created" || event.type === "deleted" ? [...nouns, "counts"] : nouns;
}

/**
 * Milliseconds without a word of the server after which a stream counts as lost: three of its heartbeats. A connection
 * that dies without an end is known by nothing else.
 */
export const SILENCE = 45_000;

function follow(workspace: string, onListening: () => void): () => void {
  // Whoever looks on as a member hears what that member does, in this tab alone.
  const viewed = viewing();
  const name = `${channelOf(workspace)}${viewed ? `-${crypto.getRandomValues(new Uint32Array(2)).join("-")}` : ""}`;
  const channel = new BroadcastChannel(name);
  const collected = collector(workspace);
  const over = new AbortController();
  let source: EventSource | null = null;
  let pause = 500;
  let again: ReturnType<typeof setTimeout> | null = null;
  let silence: ReturnType<typeof setTimeout> | null = null;

  const hear = (told: Told) => {
    if (told.kind === "gone") return void queryClient.setQueryData(goneKey(workspace), told.how);
    if (over.signal.aborted) return;
    if (told.kind === "lost") return isLost();
    if (told.kind !== "ended") isBack();
    // What was asked before somebody listened may have missed a change. What was asked since can't.
    if (told.kind === "opened") return void refreshOlder(workspace, wasAskedBefore(performance.now()));
    if (told.kind === "ended" || told.event.type === "membership_ended" || told.event.type === "access_changed") {
      void queryClient.invalidateQueries({ queryKey: ME });
      return collected.add(null);
    }
    if (told.event.type === "deleted" && told.event.resource) {
      const { kind, id } = told.event.resource;
      if (kind === "member")
        queryClient.setQueryData<string[]>(removedKey(workspace), (before = []) => [...before, id]);
      collected.letGo(kind, id);
    }
    if (told.event.resource?.kind === "workspace") void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    collected.add(nounsOf(told.event));
  };
  const tell = (told: Told) => {
    channel.postMessage(told);
    hear(told);
  };

  const stopWaiting = () => {
    if (silence) clearTimeout(silence);
    silence = null;
  };
  /** From now on so long for the server's next word. */
  const wait = () => {
    stopWaiting();
    silence = setTimeout(() => {
      tell({ kind: "lost" });
      source?.close();
      open();
    }, SILENCE);
  };

  const open = () => {
    if (over.signal.aborted) return;
    source = new EventSource(
      getFollowEventsUrl(workspace, { heartbeats: true, ...(viewed && { view_as: viewed.member }) }),
    );
    wait();
    source.addEventListener("heartbeat", wait);
    let hasOpened = false;
    // Each time it opens, also when the browser has taken it up again by itself.
    source.onopen = () => {
      hasOpened = true;
      pause = 500;
      wait();
      onListening();
      tell({ kind: "opened" });
    };
    source.onmessage = (message) => {
      wait();
      tell({ kind: "event", event: JSON.parse(message.data) as StoaEvent });
    };
    const end = () => {
      stopWaiting();
      source?.close();
      onListening();
      if (hasOpened) tell({ kind: "ended" });
      // The right to it may come back, and a server that was away too; whoever has none any more has left this page.
      again = setTimeout(open, pause);
      pause = Math.min(pause * 2, 30_000);
    };
    source.addEventListener("end", end);
    source.onerror = () => {
      // The browser tries again by itself, or `end` does. Each time that fails is told: a tab may have come since.
      tell({ kind: "lost" });
      if (source?.readyState === EventSource.CLOSED) end();
    };
  };

  // A network that went takes the stream along, which may not notice for long.
  addEventListener("offline", () => source && tell({ kind: "lost" }), { signal: over.signal });
  addEventListener(
    "online",
    () => {
      if (!source) return;
      source.close();
      if (again) clearTimeout(again);
      open();
    },
    { signal: over.signal },
  );
  channel.onmessage = (message: MessageEvent<Told>) => hear(message.data);
  const stopped = new Promise<void>((resolve) => over.signal.addEventListener("abort", () => resolve()));
  const lead = () => {
    open();
    return stopped;
  };
  const run = async (locks: LockManager) => {
    const isFree = await locks.request(name, { ifAvailable: true }, (lock) => lock && lead().then(() => true));
    if (isFree || over.signal.aborted) return;
    // Another tab holds the stream, open since long: this one hears it from now on.
    onListening();
    void refreshOlder(workspace, wasAskedBefore(performance.now()));
    await locks.request(name, { signal: over.signal }, lead);
  };
  // Browsers offer locks where the page is secure; elsewhere each tab reads for itself.
  if (navigator.locks && !viewed) void run(navigator.locks).catch(() => {});
  else open();

  return () => {
    over.abort();
    isBack();
    if (again) clearTimeout(again);
    stopWaiting();
    source?.close();
    // The answer that nothing is here comes before the word that it was deleted, perhaps.
    setTimeout(() => channel.close(), 5000);
    collected.stop();
  };
}

/** Longer than this no page waits for the stream; what was asked meanwhile is asked anew when it opens. */
const PATIENCE = 1500;

/**
 * Keeps the pages of one workspace as they are at the server. True once changes are heard: what is asked from then on
 * can miss none, so pages begin to ask then.
 */
export function useEvents(workspace: string, enabled: boolean): boolean {
  const [listening, setListening] = useState<string | null>(null);
  useEffect(() => {
    if (!enabled) return;
    const begin = () => setListening(workspace);
    const timer = setTimeout(begin, PATIENCE);
    const stop = follow(workspace, begin);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [workspace, enabled]);
  return listening === workspace;
}
