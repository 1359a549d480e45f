import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Deployment, Instance, Job } from "@/api/nouns";
import { LastRestore } from "./LastRestore";

const asked = vi.hoisted(() => ({ jobs: [] as unknown[], deployments: [] as unknown[], ofDeployments: 0 }));
vi.mock("@/api/generated", async (original) => ({
  ...(await original<object>()),
  listJobs: async (_workspace: string, { instance }: { instance: string }) => ({
    items: asked.jobs.filter((job) => (job as Job).instance === instance),
    next: null,
  }),
  listDeployments: async () => {
    asked.ofDeployments += 1;
    return { items: asked.deployments, next: null };
  },
}));
vi.mock("@tanstack/react-router", () => ({
  Link: ({ to, children }: { to: string; children: unknown }) => <a href={to}>{children as string}</a>,
}));

const WHY = "The restore failed: what is stored is damaged.";
const job = (id: string, more: Partial<Job>): Job => ({
  id,
  instance: "i",
  kind: "restore",
  status: "succeeded",
  step: "",
  progress: null,
  created_at: "2026-11-22T14:00:00Z",
  ended_at: "2026-11-22T14:01:00Z",
  error: null,
  ...more,
});
const failed = (detail: string | null = WHY) => job("j2", { status: "failed", error: { code: "failed", detail } });

beforeEach(() => Object.assign(asked, { jobs: [], deployments: [], ofDeployments: 0 }));
afterEach(cleanup);

/** What is said after all was answered; null where nothing is. */
async function told(jobs: Job[], instance: Partial<Instance> = {}) {
  asked.jobs = jobs;
  const client = new QueryClient();
  const of = { id: "i", slug: "shop", may: ["backup"], job: null, ...instance } as Instance;
  render(
    <MantineProvider>
      <QueryClientProvider client={client}>
        <LastRestore workspace="acme" instance={of} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  await vi.waitFor(() => {
    expect(client.getQueryCache().getAll().length).toBeGreaterThan(0);
    expect(client.isFetching()).toBe(0);
  });
  await new Promise((go) => setTimeout(go, 20));
  return screen.queryByRole("alert")?.textContent ?? null;
}

it("says why, until a later one begins or succeeds, whatever else was done since", async () => {
  const others = [job("j4", { kind: "backup" }), job("j3", { kind: "deploy" })];
  expect(await told([...others, failed(), job("j1", {})])).toContain(WHY);
  cleanup();
  expect(await told([...others, failed()], { job: job("j5", { status: "queued" }) })).toBeNull();
  cleanup();
  expect(await told([job("j5", { status: "running" }), failed()])).toBeNull();
  cleanup();
  expect(await told([job("j5", {}), ...others, failed()])).toBeNull();
  cleanup();
  expect(
    await told([job("j3", { kind: "backup", status: "failed", error: { code: "failed", detail: WHY } })]),
  ).toBeNull();
});

it("leads to its deployment where that may be read, and asks for none where it may not", async () => {
  asked.deployments = [
    { id: "d8", number: 8, job: "j9", cause: "push" } as Deployment,
    { id: "d7", number: 7, job: "j2", cause: "restore" } as Deployment,
  ];
  expect(await told([failed()], { may: ["backup", "read_logs"] })).toContain("deployment #7");
  expect(screen.getByRole("link").getAttribute("href")).toBe("/acme/instances/shop/deployments/d7");
  cleanup();
  const before = asked.ofDeployments;
  expect(await told([failed()])).not.toContain("deployment");
  expect(asked.ofDeployments).toBe(before);
});

it("says who is told why, where somebody else began it and a log may be quoted", async () => {
  const text = await told([failed(null)]);
  expect(text).toContain("The last restore failed");
  expect(text).toContain("Why is told to whoever began it, and to whoever may read the logs.");
});
