import { QueryObserver } from "@tanstack/react-query";
import { afterEach, expect, it, vi } from "vitest";
import { queryClient, refresh, workspaceOptions } from "./queries";
import { levelOf, refreshRights } from "./rights";

afterEach(() => {
  queryClient.clear();
  vi.unstubAllGlobals();
});

it("each is asked after what it hangs on", () => {
  for (const [level, keys] of [
    [0, [["me"], ["acme", "workspace"]]],
    [
      1,
      [
        ["acme", "counts", "projects"],
        ["acme", "instances", "object", "/instances/shop"],
        ["acme", "projects", "pages", { q: "" }],
        ["acme", "projects", "all"],
        ["acme", "jobs", "all", { status: "running" }],
      ],
    ],
    [
      2,
      [
        ["acme", "workspace", "ai", "usage"],
        ["acme", "instances", "object", "/instances/1/processes"],
        ["acme", "projects", "all", "1", "branches"],
        ["acme", "deployments", "pages", "1"],
        ["acme", "deployments", "object", "/instances/1/deployments/2"],
        ["acme", "metrics", "instance", "1", "hour"],
      ],
    ],
  ] as const)
    for (const key of keys) expect(levelOf(key), String(key)).toBe(level);
});

/** Answers for the workspace with these instances, as one's own profile has them. */
function may(instances: string[]) {
  const body = JSON.stringify({ permissions: { actions: [], projects: [], instances, servers: [] } });
  vi.stubGlobal("fetch", async () => new Response(body, { status: 200 }));
}

/** Something of the page that shows what is asked for. */
function shown(key: readonly unknown[], queryFn: () => Promise<unknown>) {
  const observer = new QueryObserver(queryClient, { queryKey: key, queryFn });
  return observer.subscribe(() => {});
}

it("what is gone by the new rights isn't asked for, and is dropped, until it is back", async () => {
  may(["1"]);
  const key = ["acme", "instances", "object", "/instances/shop"] as const;
  const asked = vi.fn(async () => ({ id: "1", name: "Shop" }));
  const over = [shown(workspaceOptions("acme").queryKey, () => fetch("/").then((answer) => answer.json()))];
  over.push(shown(key, asked));
  const data = () => queryClient.getQueryData(key);
  await vi.waitFor(() => expect(data()).toBeDefined());
  expect(asked).toHaveBeenCalledTimes(1);
  may([]);
  await refreshRights("acme");
  // What is told of others' things in between asks for it neither.
  await refresh("acme", "instances");
  expect(asked).toHaveBeenCalledTimes(1);
  expect(data()).toBeUndefined();
  expect(queryClient.getQueryState(key)?.error).toMatchObject({ status: 404, code: "not_found" });
  may(["1"]);
  await refreshRights("acme");
  expect(asked).toHaveBeenCalledTimes(2);
  expect(data()).toBeDefined();
  for (const stop of over) stop();
});

it("what isn't shown is asked for when it is shown again, and shows nothing old until then", async () => {
  may(["1"]);
  const key = ["acme", "instances", "object", "/instances/shop"] as const;
  queryClient.setQueryData(key, { id: "1" });
  await refreshRights("acme");
  expect(queryClient.getQueryData(key)).toBeUndefined();
});
