// How the page talks to the API: JSON both ways, problems by code, guarded writes. It knows no noun.

import { Problem, problemOf, readProblem } from "./problem";

export type Query = Record<string, string | number | boolean | null | undefined>;
/** An object together with the tag that guards its change. */
export type Tagged<T> = T & { etag: string | null };
export type Page<T> = { items: T[]; next: string | null };

export type Wish = {
  body?: unknown;
  query?: Query;
  ifMatch?: string | null;
  idempotencyKey?: string;
  accept?: string;
  signal?: AbortSignal;
};

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export function address(path: string, query: Query = {}): string {
  const wanted = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)])).toString();
  return `/api/v1${path}${text && `?${text}`}`;
}

/** One path below the API's base, each value escaped: at`/workspaces/${slug}/members`. */
export function at(strings: TemplateStringsArray, ...values: string[]): string {
  return strings.reduce((path, part, index) => path + encodeURIComponent(values[index - 1] ?? "") + part);
}

export async function request(method: Method, path: string, wish: Wish = {}): Promise<Response> {
  const headers = new Headers({ Accept: wish.accept ?? "application/json" });
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: wish.signal ?? null };
  if (method !== "GET" && method !== "DELETE") {
    headers.set("Content-Type", "application/json");
    init.body = JSON.stringify(wish.body ?? {});
  } else if (wish.body !== undefined) {
    headers.set("Content-Type", "application/json");
    init.body = JSON.stringify(wish.body);
  }
  if (wish.ifMatch) headers.set("If-Match", wish.ifMatch);
  if (wish.idempotencyKey) headers.set("Idempotency-Key", wish.idempotencyKey);
  let response: Response;
  try {
    response = await fetch(address(path, wish.query), init);
  } catch (failure) {
    if (wish.signal?.aborted) throw failure;
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

async function answer<T>(response: Response): Promise<Tagged<T>> {
  const etag = response.headers.get("etag");
  if (response.status === 204) return { etag } as Tagged<T>;
  const text = await response.text();
  try {
    return Object.assign(JSON.parse(text), { etag });
  } catch {
    const detail = "The server answered something that isn't of this API. Load the page again.";
    throw new Problem({ status: response.status, code: "unknown", title: "Something failed", detail });
  }
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<Tagged<T>> {
  return answer<T>(await request("GET", path, { ...(query && { query }), ...(signal && { signal }) }));
}

export async function send<T>(method: Exclude<Method, "GET">, path: string, wish: Wish = {}): Promise<Tagged<T>> {
  // A repeated click or a lost answer must not do it twice. These three carry a proof of their own.
  const free = path.startsWith("/session") || path === "/setup" || path.endsWith("/accept");
  const key = method === "POST" && !free ? { idempotencyKey: wish.idempotencyKey ?? freshKey() } : {};
  return answer<T>(await request(method, path, { ...wish, ...key }));
}

/** Every page of a list: for choosers, which must hold all of it. */
export async function getAll<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T[]> {
  const items: T[] = [];
  let after: string | null = null;
  do {
    const page: Page<T> = await get<Page<T>>(path, { ...query, limit: 200, after }, signal);
    items.push(...page.items);
    after = page.next;
  } while (after);
  return items;
}
