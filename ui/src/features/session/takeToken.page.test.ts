import { beforeEach, expect, it, vi } from "vitest";

/** The page as it is loaded anew: its memory is empty. */
async function loaded() {
  vi.resetModules();
  return import("./takeToken");
}

beforeEach(() => {
  vi.useRealTimers();
  sessionStorage.clear();
});

it("is gone when the page is loaded anew", async () => {
  (await loaded()).keep("a secret");
  expect(JSON.stringify({ ...sessionStorage })).not.toContain("a secret");
  expect((await loaded()).keptToken()).toBeNull();
});

it("comes along to the provider and back, once", async () => {
  const before = await loaded();
  before.keep("a secret");
  before.takeAlong();
  const after = await loaded();
  expect(after.keptToken()).toBe("a secret");
  // The page that found it keeps it as before: in memory.
  expect(after.keptToken()).toBe("a secret");
  expect(sessionStorage.length).toBe(0);
  expect((await loaded()).keptToken()).toBeNull();
});

it("isn't there any more for whoever comes back too late", async () => {
  vi.useFakeTimers({ now: 1_795_000_000_000 });
  const before = await loaded();
  before.keep("a secret");
  before.takeAlong();
  vi.setSystemTime(1_795_000_000_000 + 600_001);
  expect((await loaded()).keptToken()).toBeNull();
  expect(sessionStorage.length).toBe(0);
});

it("of the setup link is there again when this tab is loaded anew, until it was used; and in no address", async () => {
  history.replaceState(null, "", "/setup#a-secret");
  expect((await loaded()).takeFromFragment()).toBe("a-secret");
  expect(location.href).not.toContain("secret");
  const again = await loaded();
  expect(again.takeFromFragment()).toBe("a-secret");
  // A newer link takes the place of what was kept.
  history.replaceState(null, "", "/setup#another-secret");
  expect(again.takeFromFragment()).toBe("another-secret");
  const last = await loaded();
  expect(last.takeFromFragment()).toBe("another-secret");
  expect(JSON.stringify({ ...localStorage }) + JSON.stringify(history.state)).not.toContain("secret");
  last.dropSetupToken();
  expect(sessionStorage.length).toBe(0);
  expect((await loaded()).takeFromFragment()).toBeNull();
});

it("is what stands in the address, also where that isn't well written", async () => {
  history.replaceState(null, "", "/setup#token=a%20secret");
  expect((await loaded()).takeFromFragment()).toBe("a secret");
  expect(location.hash).toBe("");
  history.replaceState(null, "", "/setup#a%zz");
  expect((await loaded()).takeFromFragment()).toBe("a%zz");
  expect(location.hash).toBe("");
});
