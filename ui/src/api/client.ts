// How the page talks to the API: JSON both ways, problems by code, guarded writes. It knows no noun: those are in
// generated/, which is made from the API's description and calls this.

import { Problem, problemOf, readProblem } from "./problem";
import { withView } from "./viewing";

/** An object together with the tag that guards its change. */
export type Tagged<T> = T & { etag: string | null };
export type Page<T> = { items: T[]; next: string | null };

/** What a write may bring along: the tag of what it changes. */
export const ifMatch = (etag: string | null | undefined): RequestInit =>
  etag ? { headers: { "If-Match": etag } } : {};

/** One request; what isn't answered with success is thrown as a problem. */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("Accept")) headers.set("Accept", "application/json");
  withView(url, init.method, headers);
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers, credentials: "same-origin" });
  } catch (failure) {
    if (init.signal?.aborted) throw failure;
    throw problemOf(failure);
  }
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** Not randomUUID: browsers offer that on secure pages only, and an installation may be told to serve plain HTTP. */
function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A repeated click or a lost answer must not do it twice. Those that carry a proof of their own take no key. */
function isKeyed(url: string, method: string | undefined): boolean {
  const path = url.replace(/^\/api\/v1/, "").replace(/\?.*$/, "");
  return method === "POST" && !path.startsWith("/session") && path !== "/setup" && !path.endsWith("/accept");
}

/** What the generated client calls: the answer as an object, together with its tag; an empty one is an empty object. */
export async function call<T>(url: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  if (isKeyed(url, init.method) && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", freshKey());
  const response = await ask(url, { ...init, headers });
  const etag = response.headers.get("etag");
  // What is done, or taken for later, may have nothing to say.
  const text = (await response.text()) || "{}";
  try {
    return Object.assign(JSON.parse(text), { etag });
  } catch {
    const detail = "The server answered something that isn't of this API. Load the page again.";
    throw new Problem({ status: response.status, code: "unknown", title: "Something failed", detail });
  }
}

const MOST = 200;

/** Every page of a list: for choosers, which must hold all of it. */
export async function all<T>(page: (query: { limit: number; after?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  do {
    const found: Page<T> = await page({ limit: MOST, ...(after && { after }) });
    items.push(...found.items);
    after = found.next;
  } while (after);
  return items;
}
