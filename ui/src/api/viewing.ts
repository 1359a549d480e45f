// Viewing as a member: in one tab, for as long as its session storage says so. Every question about a workspace carries
// it then, so none is answered as oneself by mistake; nothing is sent that would do something.

import { Problem } from "./problem";

export type Viewing = { member: string; name: string; workspace: string };

const KEY = "stoa-view-as";
const BELOW = "/api/v1/workspaces/";

function read(): Viewing | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Viewing | null;
    return kept && typeof kept.member === "string" && typeof kept.name === "string" ? kept : null;
  } catch {
    return null;
  }
}

// Entering and leaving load the page anew: what it is when that begins, it stays.
const current = read();

/** As whom this tab looks on, or null. */
export const viewing = (): Viewing | null => current;

/** Loads the page anew as that member sees it: no cache of the owner's outlives it. */
export function viewAs(viewed: Viewing): void {
  sessionStorage.setItem(KEY, JSON.stringify(viewed));
  location.assign(`/${viewed.workspace}`);
}

/** Loads the page anew as oneself: nothing that was seen as the member is kept. */
export function leaveView(): void {
  sessionStorage.removeItem(KEY);
  location.assign(current ? `/${current.workspace}/members` : "/");
}

export function nothingIsDone(): string {
  return `You are viewing as ${current?.name ?? "a member"}: nothing can be done here.`;
}

/** What a request carries along while somebody is viewed. Throws for what would do something. */
export function withView(url: string, method: string | undefined, headers: Headers): void {
  if (!current || !url.startsWith(BELOW)) return;
  if (method && method !== "GET" && method !== "HEAD")
    throw new Problem({ status: 403, code: "view_as_read_only", title: "Looking on only", detail: nothingIsDone() });
  headers.set("Stoa-View-As", current.member);
}
