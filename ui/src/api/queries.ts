// What the page asks for, by noun; what is asked about members and accounts is beside this. A key is
// [workspace, noun, …], so that one event makes one noun be asked anew.
// Nothing is asked again by time or by focus: events say when.

import {
  MutationCache,
  QueryCache,
  QueryClient,
  queryOptions,
  useInfiniteQuery,
  useQuery,
} from "@tanstack/react-query";
import { all, call, type Page, type Tagged } from "./client";
import {
  type Account,
  type ListInstancesParams,
  type ListJobsParams,
  listBranches,
  listCommits,
  listDeployments,
  listInstances,
  listJobs,
  listMembers,
  listProjects,
  listServers,
  viewDeployment,
  viewInstance,
  viewProject,
  viewServer,
  viewWorkspace,
} from "./generated";
import { isCode, Problem } from "./problem";
import { useMutation } from "./useMutation";

export type Noun =
  | "workspace"
  | "members"
  | "presets"
  | "invitations"
  | "permissions"
  | "projects"
  | "instances"
  | "deployments"
  | "environment"
  | "servers"
  | "jobs"
  | "metrics"
  | "audit"
  | "counts";

export const ME = ["me"] as const;

export const queryClient: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      // A refusal is an answer. Only what didn't reach the server is tried once more.
      retry: (count, error) => count < 1 && error instanceof Problem && error.status === 0,
      retryDelay: 400,
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
  mutationCache: new MutationCache({
    onError: (error) => {
      // Signed out elsewhere. Where nobody is signed in, it is the answer to a form.
      if (isCode(error, "unauthenticated") && queryClient.getQueryState(ME)?.status === "success")
        void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    },
  }),
  queryCache: new QueryCache({
    onError: (error, query) => {
      // The session ended while the page was open: the frame asks who this is, and shows the sign-in.
      if (isCode(error, "unauthenticated") && query.queryKey[0] !== "me")
        void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    },
  }),
});

/** What `call` answers with holds the tag beside the object: the description tells of the object alone. */
const tagged = async <T>(answer: Promise<T>): Promise<Tagged<T>> => (await answer) as Tagged<T>;

/** Only what was filled in: a filter that says nothing isn't asked for. */
export function given<T extends object>(query: T): T {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== "" && value != null)) as T;
}

export const meOptions = queryOptions({
  queryKey: ME,
  // By its address: what is generated for an account holds two dozen other calls, which a first load goes without.
  queryFn: ({ signal }) => call<Tagged<Account>>("/api/v1/me", { signal }),
});

export const workspaceOptions = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "workspace"] as const,
    queryFn: ({ signal }) => tagged(viewWorkspace(workspace, { signal })),
  });

export const useMe = () => useQuery(meOptions);
export const useWorkspaceQuery = (workspace: string) => useQuery(workspaceOptions(workspace));

type Read<T> = (init: RequestInit) => Promise<T>;

/** One object of a workspace, with its ETag. `key` is its address below the workspace. */
export function useObject<T>(workspace: string, noun: Noun, key: string, read: Read<T>, enabled = true, keep = true) {
  return useQuery({
    // What is edited in a dialog begins with what is saved now, not with what was shown the last time.
    ...(!keep && { gcTime: 0 }),
    queryKey: [workspace, noun, "object", key],
    queryFn: ({ signal }) => tagged(read({ signal })),
    enabled,
  });
}

type Paged = { after?: string; limit?: number };
export type ReadPage<T> = (query: Paged, init: RequestInit) => Promise<Page<T>>;

/** A list, page by page: `items` so far, and `fetchNextPage` while `hasNextPage`. */
export function usePages<T>(workspace: string, noun: Noun, key: unknown[], read: ReadPage<T>, enabled = true) {
  const found = useInfiniteQuery({
    queryKey: [workspace, noun, "pages", ...key],
    queryFn: ({ signal, pageParam }) => read({ ...(pageParam && { after: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    enabled,
  });
  return { ...found, items: found.data?.pages.flatMap((page) => page.items) };
}

/** A whole list: for choosers and short lists. */
export function useAll<T>(workspace: string, noun: Noun, key: unknown[], read: ReadPage<T>, enabled = true) {
  return useQuery({
    queryKey: [workspace, noun, "all", ...key],
    queryFn: ({ signal }) => all((query) => read(query, { signal })),
    enabled,
  });
}

type Search = { q?: string; limit?: number };

export const useProjects = (workspace: string, query: Search = {}, enabled = true) =>
  usePages(
    workspace,
    "projects",
    [query],
    (page, init) => listProjects(workspace, { ...given(query), ...page }, init),
    enabled,
  );
export const useAllProjects = (workspace: string, enabled = true) =>
  useAll(workspace, "projects", [], (page, init) => listProjects(workspace, page, init), enabled);
export const useProject = (workspace: string, project: string, enabled = true) =>
  useObject(workspace, "projects", `/projects/${project}`, (init) => viewProject(workspace, project, init), enabled);
export const useBranches = (workspace: string, project: string, enabled = true) =>
  useAll(
    workspace,
    "projects",
    [project, "branches"],
    (page, init) => listBranches(workspace, project, page, init),
    enabled,
  );
export const useCommits = (workspace: string, project: string, branch: string, enabled = true) =>
  usePages(
    workspace,
    "projects",
    [project, "commits", branch],
    (page, init) => listCommits(workspace, project, { ...given({ branch }), ...page }, init),
    enabled,
  );

export const useInstances = (workspace: string, query: ListInstancesParams = {}, enabled = true) =>
  usePages(
    workspace,
    "instances",
    [query],
    (page, init) => listInstances(workspace, { ...given(query), ...page }, init),
    enabled,
  );
export const useAllInstances = (workspace: string, query: ListInstancesParams = {}, enabled = true) =>
  useAll(
    workspace,
    "instances",
    [query],
    (page, init) => listInstances(workspace, { ...given(query), ...page }, init),
    enabled,
  );
export const useInstance = (workspace: string, instance: string, enabled = true) =>
  useObject(
    workspace,
    "instances",
    `/instances/${instance}`,
    (init) => viewInstance(workspace, instance, init),
    enabled,
  );
export const useDeployments = (workspace: string, instance: string, enabled = true) =>
  usePages(
    workspace,
    "deployments",
    [instance],
    (page, init) => listDeployments(workspace, instance, page, init),
    enabled,
  );
export const useDeployment = (workspace: string, instance: string, deployment: string) =>
  useObject(workspace, "deployments", `/instances/${instance}/deployments/${deployment}`, (init) =>
    viewDeployment(workspace, instance, deployment, init),
  );

export const useServers = (workspace: string, query: Search = {}, enabled = true) =>
  usePages(
    workspace,
    "servers",
    [query],
    (page, init) => listServers(workspace, { ...given(query), ...page }, init),
    enabled,
  );
export const useAllServers = (workspace: string, enabled = true) =>
  useAll(workspace, "servers", [], (page, init) => listServers(workspace, page, init), enabled);
export const useServer = (workspace: string, server: string) =>
  useObject(workspace, "servers", `/servers/${server}`, (init) => viewServer(workspace, server, init));

const useJobsThat = (workspace: string, query: ListJobsParams) =>
  useAll(workspace, "jobs", [query], (page, init) => listJobs(workspace, { ...query, ...page }, init));

/** What runs or waits now, newest first. */
export const useRunningJobs = (workspace: string) => {
  const running = useJobsThat(workspace, { status: "running" });
  const queued = useJobsThat(workspace, { status: "queued" });
  const items = running.data && queued.data ? [...running.data, ...queued.data] : undefined;
  return { items, error: running.error ?? queued.error };
};
export const useJobs = (workspace: string) =>
  usePages(workspace, "jobs", [], (page, init) => listJobs(workspace, page, init));

const MOST_COUNTED = 100;
const listBriefly: typeof listMembers = (workspace, query, init) =>
  listMembers(workspace, { ...query, brief: true }, init);
const COUNTED = { projects: listProjects, instances: listInstances, servers: listServers, members: listBriefly };

/** How many a list holds for this caller: the number, from the list itself, or "100+". */
export function useCount(workspace: string, list: keyof typeof COUNTED) {
  return useQuery({
    queryKey: [workspace, "counts", list],
    queryFn: async ({ signal }) => {
      const { items, next }: Page<unknown> = await COUNTED[list](workspace, { limit: MOST_COUNTED }, { signal });
      return next === null ? String(items.length) : `${items.length}+`;
    },
  }).data;
}

/** When each question was last asked, by its hash: what was asked before the stream was open may have missed a change. */
const asked = new Map<string, number>();
queryClient.getQueryCache().subscribe(({ type, query, ...told }) => {
  if (type === "removed") asked.delete(query.queryHash);
  const isAsked = type === "updated" && "action" in told && told.action.type === "fetch";
  if (isAsked) asked.set(query.queryHash, performance.now());
  if (isAsked || type === "removed") for (const kept of [closed, gone]) kept.delete(query.queryHash);
});

/** Whether it was last asked before a moment, as `performance.now()` tells it. */
export const wasAskedBefore = (moment: number) => (hash: string) => (asked.get(hash) ?? 0) <= moment;

/** What one's own rights say can only be refused, by its hash, and the id of the thing: nothing is asked of it. */
export const closed = new Map<string, string>();

/** What is asked of what was deleted, by its hash: whoever still shows it asks nothing either. */
export const gone = new Set<string>();

export function askAnew(fits: (key: readonly unknown[], hash: string) => boolean): Promise<void> {
  const predicate = ({ queryKey, queryHash }: { queryKey: readonly unknown[]; queryHash: string }) =>
    !closed.has(queryHash) && !gone.has(queryHash) && fits(queryKey, queryHash);
  // A first answer that is on its way may be older than what is told now, and can't be begun again: it is followed by
  // another.
  for (const query of queryClient.getQueryCache().findAll({ predicate })) {
    if (query.state.fetchStatus !== "fetching" || query.state.data !== undefined) continue;
    const again = () => void queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
    void query.promise?.then(again, () => {});
  }
  return queryClient.invalidateQueries({ predicate });
}

/** Asks nouns of a workspace anew. Events do it for everybody; whoever wrote needn't wait for theirs. */
export function refresh(workspace: string, ...nouns: Noun[]): Promise<void> {
  return askAnew(([whose, noun]) => whose === workspace && (nouns.length === 0 || nouns.includes(noun as Noun)));
}

type Act<V, T> = {
  act: (input: V) => Promise<T>;
  nouns: Noun[];
  /** Before anything is asked anew: where it leaves the page, what the page has shown isn't. */
  onDone?: (answer: Tagged<T>, input: V) => unknown;
};

/** A write below a workspace: useAct<string>(slug, {act: (id) => stopInstance(slug, id, {}), nouns: ["instances"]}). */
export function useAct<V, T = unknown>(workspace: string, { act, nouns, onDone }: Act<V, T>) {
  return useMutation<Tagged<T>, Problem, V>({
    mutationFn: (input) => tagged(act(input)),
    onSuccess: async (answer, input) => {
      await onDone?.(answer, input);
      if (nouns.length > 0) await refresh(workspace, ...nouns);
    },
  });
}
