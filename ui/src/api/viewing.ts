// Viewing as a member: in one tab, for as long as its session storage says so. Every question about the workspace carries
// it then, so none is answered as oneself by mistake; about anything else nothing is asked, and nothing is sent that would
// do something.

import { Problem } from "./problem";

export type Viewing = {
  member: string;
  name: string;
  /** The workspace's slug, and those that it had while it was viewed. */
  workspace: string;
  before?: string[];
};

const KEY = "stoa-view-as";
const TURNED = "stoa-view-turned";
const BELOW = "/api/v1/workspaces/";
/** What the page itself can't be without: who this is, and what this installation can. */
const OF_PAGE = ["/api/v1/me", "/api/v1/session/ways"];

function read(): Viewing | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Viewing | null;
    return kept && typeof kept.member === "string" && typeof kept.name === "string" ? kept : null;
  } catch {
    return null;
  }
}

// Entering and leaving load the page anew: what it is when that begins, it stays.
let current = read();

/** As whom this tab looks on, or null. */
export const viewing = (): Viewing | null => current;

/** Whether a workspace is the one that is viewed, by a slug of it. */
export const isViewed = (slug: string): boolean =>
  current !== null && (slug === current.workspace || (current.before?.includes(slug) ?? false));

/** Loads the page anew as that member sees it: no cache of the owner's outlives it. */
export function viewAs(viewed: Viewing): void {
  sessionStorage.setItem(KEY, JSON.stringify(viewed));
  sessionStorage.setItem(TURNED, "");
  location.assign(`/${viewed.workspace}`);
}

/** Loads the page anew as oneself: nothing that was seen as the member is kept. */
export function leaveView(): void {
  sessionStorage.removeItem(KEY);
  sessionStorage.setItem(TURNED, "");
  location.assign(current ? `/${current.workspace}/members` : "/");
}

/** Whether this page was loaded by entering a view, or by leaving it. It is told once. */
export function isOfView(): boolean {
  const isTurned = sessionStorage.getItem(TURNED) !== null;
  sessionStorage.removeItem(TURNED);
  return isTurned;
}

/** What is viewed has another slug now. */
export function viewMoved(slug: string): void {
  if (!current || isViewed(slug)) return;
  current = { ...current, workspace: slug, before: [...(current.before ?? []), current.workspace] };
  sessionStorage.setItem(KEY, JSON.stringify(current));
}

/** Ends it without loading anew, where nothing is shown any more: whoever signs in here is themselves. */
export function endView(): void {
  sessionStorage.removeItem(KEY);
  current = null;
}

export function nothingIsDone(): string {
  return `You are viewing as ${current?.name ?? "a member"}: nothing can be done here.`;
}

const refused = (detail: string) =>
  new Problem({ status: 403, code: "view_as_read_only", title: "Looking on only", detail });

/** What a request carries along while somebody is viewed. Throws for what would do something, and for what is elsewhere. */
export function withView(url: string, method: string | undefined, headers: Headers): void {
  if (!current) return;
  if (method && method !== "GET" && method !== "HEAD") throw refused(nothingIsDone());
  const path = url.replace(/[?#].*$/, "");
  const [slug = ""] = path.startsWith(BELOW) ? path.slice(BELOW.length).split("/") : [];
  if (slug && isViewed(decodeURIComponent(slug))) headers.set("Stoa-View-As", current.member);
  else if (!OF_PAGE.includes(path))
    throw refused(`You are viewing as ${current.name}: nothing outside of the workspace can be seen.`);
}
