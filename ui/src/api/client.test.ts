import { afterEach, expect, test, vi } from "vitest";
import { all, call, ifMatch } from "./client";
import {
  createWorkspace,
  deleteWorkspace,
  getListMembersUrl,
  getViewMemberUrl,
  listMembers,
  signIn,
  viewWorkspace,
} from "./generated";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("a write carries a key of its own, also on a page that isn't secure", async () => {
  const keys: (string | null)[] = [];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    keys.push(new Headers(init.headers).get("Idempotency-Key"));
    return Promise.resolve(new Response("{}", { status: 201 }));
  });
  // What a browser offers on plain HTTP beyond the machine itself: no randomUUID.
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  await createWorkspace({ name: "One" });
  await createWorkspace({ name: "Two" });
  await signIn({ email: "a@x.example", password: "a long enough sentence" });
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).not.toBe(keys[0]);
  expect(keys[2]).toBeNull();
});

/** Answers each request in turn, and keeps what was asked. */
function server(...answers: Response[]): { url: string; init: RequestInit }[] {
  const asked: { url: string; init: RequestInit }[] = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    asked.push({ url, init });
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("Failed to fetch"));
  });
  return asked;
}

test("each value of a path and of a query is escaped", () => {
  expect(getViewMemberUrl("a/b", "c?d")).toBe("/api/v1/workspaces/a%2Fb/members/c%3Fd");
  expect(getListMembersUrl("one", { q: "a&b", limit: 5 })).toBe("/api/v1/workspaces/one/members?q=a%26b&limit=5");
});

test("addresses are written by what is generated, which escapes each value once", () => {
  const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!./generated/**", "!../**/*.test.*"], {
    query: "?raw",
    import: "default",
    eager: true,
  });
  expect(Object.keys(sources).length).toBeGreaterThan(100);
  const byHand = Object.keys(sources).filter((path) => /encodeURI|`\/api\//.test(sources[path] ?? ""));
  // The icon of the tab: it is drawn before anything of the API is loaded.
  expect(byHand).toEqual(["../theme/look.ts"]);
});

test("an object comes with its tag, and a change sends it back", async () => {
  const asked = server(
    Response.json({ name: "One" }, { headers: { ETag: '"7"' } }),
    new Response(null, { status: 204 }),
  );
  expect(await viewWorkspace("one")).toEqual({ name: "One", etag: '"7"' });
  await deleteWorkspace("one", { confirm: "one" }, ifMatch('"7"'));
  const headers = new Headers(asked[1]?.init.headers);
  expect(headers.get("If-Match")).toBe('"7"');
  expect(headers.get("Content-Type")).toBe("application/json");
  expect(headers.get("Idempotency-Key")).toBeNull();
  expect(asked[1]?.init.body).toBe('{"confirm":"one"}');
});

test("a refusal is thrown with its code and with who can grant what is missing", async () => {
  const problem = {
    status: 403,
    code: "permission_denied",
    detail: "Ask.",
    missing: ["view_logs"],
    ask: [{ name: "Anna" }],
  };
  server(Response.json(problem, { status: 403, headers: { "Content-Type": "application/problem+json" } }));
  await expect(call("/x")).rejects.toMatchObject(problem);
});

test("an answer that isn't of this API, and a server that isn't reached, are problems too", async () => {
  server(new Response("<html>"));
  await expect(call("/x")).rejects.toMatchObject({ code: "unknown", status: 200 });
  await expect(call("/x")).rejects.toMatchObject({ code: "unreachable", status: 0 });
});

test("a list is read to its end, each page after the one before", async () => {
  const asked = server(Response.json({ items: [1, 2], next: "two" }), Response.json({ items: [3], next: null }));
  expect(await all((page) => listMembers("one", { q: "x", ...page }))).toEqual([1, 2, 3]);
  expect(asked.map(({ url }) => url)).toEqual([
    "/api/v1/workspaces/one/members?q=x&limit=200",
    "/api/v1/workspaces/one/members?q=x&limit=200&after=two",
  ]);
});
