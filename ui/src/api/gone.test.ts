import { QueryObserver } from "@tanstack/react-query";
import { afterEach, expect, it, vi } from "vitest";
import { letGo } from "./gone";
import { queryClient, refresh } from "./queries";
import { refreshOlder } from "./rights";

afterEach(() => {
  queryClient.clear();
  vi.useRealTimers();
});

const ID = "01a2";
const OF_IT = [
  ["acme", "instances", "object", "/instances/shop"],
  ["acme", "instances", "object", `/instances/${ID}/processes`],
  ["acme", "deployments", "object", "/instances/shop/deployments/7"],
  ["acme", "deployments", "pages", ID],
  ["acme", "metrics", "instance", ID, "hour"],
];
const OF_OTHERS = [
  ["acme", "instances", "pages", { project: ID }],
  ["acme", "instances", "object", "/instances/shop-2"],
  ["acme", "projects", "object", "/projects/shop"],
  ["acme", "projects", "all", "shop", "branches"],
  ["other", "instances", "object", "/instances/shop"],
];

/** Something of the page that shows what is asked for: how often it was, and how to stop showing it. */
function shown(queryKey: readonly unknown[]) {
  const queryFn = vi.fn(async () => (queryKey[2] === "object" ? { id: ID, slug: "shop" } : []));
  const stop = new QueryObserver(queryClient, { queryKey, queryFn }).subscribe(() => {});
  return { queryKey, queryFn, stop };
}

it("nothing is asked of what was deleted, and everything of what wasn't", async () => {
  const all = [...OF_IT, ...OF_OTHERS].map(shown);
  await vi.waitFor(() => expect(queryClient.isFetching()).toBe(0));
  // Another by the name of one that is deleted stays.
  for (const key of OF_OTHERS) if (key[2] === "object") queryClient.setQueryData(key, { id: "other", slug: "other" });
  vi.useFakeTimers();
  letGo("acme", "instance", ID);
  const asked = [refresh("acme"), refresh("other"), refreshOlder("acme", () => true)];
  await vi.advanceTimersByTimeAsync(300);
  await Promise.all(asked);
  for (const { queryKey, queryFn } of all)
    expect(queryFn.mock.calls.length > 1, String(queryKey)).toBe(OF_OTHERS.includes(queryKey as never));
  // It is shown until whoever deleted it has left; then it is told that it is gone.
  const [itself, below] = OF_IT as [unknown[], unknown[]];
  expect(queryClient.getQueryData(itself)).toBeDefined();
  all[1]?.stop();
  await vi.advanceTimersByTimeAsync(300);
  expect(queryClient.getQueryState(itself)?.error).toMatchObject({ status: 404, code: "not_found" });
  expect(queryClient.getQueryState(below)).toBeUndefined();
  await refresh("acme");
  expect(all[0]?.queryFn).toHaveBeenCalledOnce();
  // Whoever comes to the address anew asks: by then there may be another of that name.
  const again = shown(itself);
  await vi.advanceTimersByTimeAsync(10);
  expect(again.queryFn).toHaveBeenCalledOnce();
  for (const { stop } of [...all, again]) stop();
});
