import { beforeEach, expect, test, vi } from "vitest";

const WITHIN = "/api/v1/workspaces/acme";

/** The module as a tab has it that views somebody. */
async function viewed() {
  vi.resetModules();
  sessionStorage.setItem("stoa-view-as", JSON.stringify({ member: "m1", name: "Tess", workspace: "acme" }));
  return import("./viewing");
}

beforeEach(() => sessionStorage.clear());

test("what is asked about the workspace that is viewed carries the member", async () => {
  const { withView } = await viewed();
  for (const url of [WITHIN, `${WITHIN}?x=1`, `${WITHIN}/instances/one?after=2`]) {
    const headers = new Headers();
    withView(url, undefined, headers);
    expect(headers.get("Stoa-View-As"), url).toBe("m1");
  }
});

test("nothing that would do something is sent, wherever to", async () => {
  const { withView } = await viewed();
  for (const method of ["POST", "PUT", "PATCH", "DELETE"])
    for (const url of [`${WITHIN}/instances`, "/api/v1/workspaces", "/api/v1/me", "/api/v1/administration/accounts/a1"])
      expect(() => withView(url, method, new Headers()), `${method} ${url}`).toThrow(/nothing can be done/);
});

test("about anything else nothing is asked, but for who this is", async () => {
  const { withView } = await viewed();
  for (const url of [
    "/api/v1/workspaces",
    "/api/v1/workspaces?q=b",
    "/api/v1/workspaces/birch",
    "/api/v1/workspaces/acme-two/members",
    "/api/v1/administration/accounts",
    "/api/v1/me/sessions",
    "/api/v1/new",
  ])
    expect(() => withView(url, "GET", new Headers()), url).toThrow(/nothing outside/);
  const headers = new Headers();
  withView("/api/v1/me", "GET", headers);
  expect(headers.has("Stoa-View-As")).toBe(false);
});

test("it follows the workspace to another slug, and whoever has left it asks as themselves", async () => {
  const { endView, viewMoved, withView } = await viewed();
  viewMoved("acme-new");
  for (const url of [WITHIN, "/api/v1/workspaces/acme-new/members"]) {
    const headers = new Headers();
    withView(url, "GET", headers);
    expect(headers.get("Stoa-View-As")).toBe("m1");
  }
  endView();
  const headers = new Headers();
  withView("/api/v1/workspaces", "POST", headers);
  expect(headers.has("Stoa-View-As")).toBe(false);
  expect(sessionStorage.getItem("stoa-view-as")).toBe(null);
});

test("a page that is loaded by entering a view or by leaving it knows it, once", async () => {
  vi.stubGlobal("location", { ...location, assign: () => {} });
  const { leaveView, isOfView, viewAs } = await viewed();
  expect(isOfView()).toBe(false);
  viewAs({ member: "mem_2", name: "Bo", workspace: "acme" });
  expect(isOfView()).toBe(true);
  expect(isOfView()).toBe(false);
  leaveView();
  expect(isOfView()).toBe(true);
  expect(isOfView()).toBe(false);
  vi.unstubAllGlobals();
});
