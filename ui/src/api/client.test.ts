import { afterEach, expect, test, vi } from "vitest";
import { send } from "./client";

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
  await send("POST", "/workspaces", { body: { name: "One" } });
  await send("POST", "/workspaces", { body: { name: "Two" } });
  await send("POST", "/session", { body: {} });
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).not.toBe(keys[0]);
  expect(keys[2]).toBeNull();
});
