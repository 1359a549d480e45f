// What the page asks for, by noun. A key is [workspace, noun, …], so that one event makes one noun be asked anew.
// Nothing is asked again by time or by focus: events say when.

import { QueryCache, QueryClient, queryOptions, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { at, get, getAll, type Page, type Query, send, type Tagged } from "./client";
import { isCode, Problem } from "./problem";
import type {
  AccessToken,
  Account,
  AuditEvent,
  Branch,
  Commit,
  Deployment,
  Environment,
  Instance,
  Invitation,
  Job,
  Member,
  Permissions,
  Project,
  Server,
  Session,
  Workspace,
} from "./types";

export type Noun =
  | "workspace"
  | "members"
  | "invitations"
  | "permissions"
  | "projects"
  | "instances"
  | "deployments"
  | "environment"
  | "servers"
  | "jobs"
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
  queryCache: new QueryCache({
    onError: (error, query) => {
      // The session ended while the page was open: the frame asks who this is, and shows the sign-in.
      if (isCode(error, "unauthenticated") && query.queryKey[0] !== "me")
        void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    },
  }),
});

export const meOptions = queryOptions({
  queryKey: ME,
  queryFn: ({ signal }) => get<Account>("/me", undefined, signal),
});

export const workspaceOptions = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, "workspace"] as const,
    queryFn: ({ signal }) => get<Workspace>(at`/workspaces/${workspace}`, undefined, signal),
  });

export const useMe = () => useQuery(meOptions);
export const useWorkspaceQuery = (workspace: string) => useQuery(workspaceOptions(workspace));

/** One object of a workspace, with its ETag. */
function useObject<T>(workspace: string, noun: Noun, path: string, enabled = true, keep = true) {
  return useQuery({
    // What is edited in a dialog begins with what is saved now, not with what was shown the last time.
    ...(!keep && { gcTime: 0 }),
    queryKey: [workspace, noun, "object", path],
    queryFn: ({ signal }) => get<T>(at`/workspaces/${workspace}` + path, undefined, signal),
    enabled,
  });
}

/** A list, page by page: `items` so far, and `fetchNextPage` while `hasNextPage`. */
export function usePages<T>(
  workspace: string,
  noun: Noun,
  path: string,
  query: Query = {},
  { enabled = true, accept = (_: T) => true }: { enabled?: boolean; accept?: (item: T) => boolean } = {},
) {
  const found = useInfiniteQuery({
    queryKey: [workspace, noun, "pages", path, query],
    queryFn: ({ signal, pageParam }) =>
      get<Page<T>>(at`/workspaces/${workspace}` + path, { ...query, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    enabled,
  });
  return { ...found, items: found.data?.pages.flatMap((page) => page.items).filter(accept) };
}

/** A whole list: for choosers and short lists. */
function useAll<T>(workspace: string, noun: Noun, path: string, query: Query = {}, enabled = true) {
  return useQuery({
    queryKey: [workspace, noun, "all", path, query],
    queryFn: ({ signal }) => getAll<T>(at`/workspaces/${workspace}` + path, query, signal),
    enabled,
  });
}

export const useMembers = (workspace: string, query: Query = {}, enabled = true) =>
  usePages<Member>(workspace, "members", "/members", query, { enabled });
export const useAllMembers = (workspace: string, enabled = true) =>
  useAll<Member>(workspace, "members", "/members", {}, enabled);
export const useInvitations = (workspace: string, enabled = true) =>
  useAll<Invitation>(workspace, "invitations", "/invitations", {}, enabled);
export const usePermissions = (workspace: string, member: string, enabled = true) =>
  useObject<Permissions>(workspace, "permissions", at`/members/${member}/permissions`, enabled, false);
export const useAudit = (workspace: string, mine: boolean, query: Query = {}) =>
  usePages<AuditEvent>(workspace, "audit", mine ? "/audit/mine" : "/audit", query);

export const useProjects = (workspace: string, query: Query = {}, enabled = true) =>
  usePages<Project>(workspace, "projects", "/projects", query, { enabled });
export const useAllProjects = (workspace: string, enabled = true) =>
  useAll<Project>(workspace, "projects", "/projects", {}, enabled);
export const useProject = (workspace: string, project: string) =>
  useObject<Project>(workspace, "projects", at`/projects/${project}`);
export const useBranches = (workspace: string, project: string, enabled = true) =>
  useAll<Branch>(workspace, "projects", at`/projects/${project}/branches`, {}, enabled);
export const useCommits = (workspace: string, project: string, branch: string, enabled = true) =>
  usePages<Commit>(workspace, "projects", at`/projects/${project}/commits`, { branch }, { enabled });

export const useInstances = (workspace: string, query: Query = {}, enabled = true) =>
  usePages<Instance>(workspace, "instances", "/instances", query, { enabled });
export const useAllInstances = (workspace: string, query: Query = {}, enabled = true) =>
  useAll<Instance>(workspace, "instances", "/instances", query, enabled);
export const useInstance = (workspace: string, instance: string) =>
  useObject<Instance>(workspace, "instances", at`/instances/${instance}`);
export const useEnvironment = (workspace: string, instance: string, enabled = true) =>
  useObject<Environment>(workspace, "environment", at`/instances/${instance}/environment`, enabled);
export const useDeployments = (workspace: string, instance: string, enabled = true) =>
  usePages<Deployment>(workspace, "deployments", at`/instances/${instance}/deployments`, {}, { enabled });
export const useDeployment = (workspace: string, instance: string, deployment: string) =>
  useObject<Deployment>(workspace, "deployments", at`/instances/${instance}/deployments/${deployment}`);

export const useServers = (workspace: string, query: Query = {}, enabled = true) =>
  usePages<Server>(workspace, "servers", "/servers", query, { enabled });
export const useAllServers = (workspace: string, enabled = true) =>
  useAll<Server>(workspace, "servers", "/servers", {}, enabled);
export const useServer = (workspace: string, server: string) =>
  useObject<Server>(workspace, "servers", at`/servers/${server}`);

/** What runs or waits now, newest first. */
export const useRunningJobs = (workspace: string) => {
  const running = useAll<Job>(workspace, "jobs", "/jobs", { status: "running" });
  const queued = useAll<Job>(workspace, "jobs", "/jobs", { status: "queued" });
  const items = running.data && queued.data ? [...running.data, ...queued.data] : undefined;
  return { items, error: running.error ?? queued.error };
};
export const useJobs = (workspace: string, query: Query = {}) => usePages<Job>(workspace, "jobs", "/jobs", query);

const MOST_COUNTED = 100;

/** How many a list holds for this caller: the number, from the list itself, or "100+". */
export function useCount(workspace: string, list: "projects" | "instances" | "servers" | "members", enabled = true) {
  return useQuery({
    queryKey: [workspace, "counts", list],
    queryFn: ({ signal }) => get<Page<unknown>>(at`/workspaces/${workspace}/${list}`, { limit: MOST_COUNTED }, signal),
    select: ({ items, next }) => (next === null ? String(items.length) : `${items.length}+`),
    enabled,
  }).data;
}

export const useSessions = () =>
  useQuery({ queryKey: [...ME, "sessions"], queryFn: ({ signal }) => getAll<Session>("/me/sessions", {}, signal) });
export const useTokens = () =>
  useQuery({ queryKey: [...ME, "tokens"], queryFn: ({ signal }) => get<Page<AccessToken>>("/me/tokens", {}, signal) });

/** When each question was last asked, by its hash: what was asked before the stream was open may have missed a change. */
const asked = new Map<string, number>();
queryClient.getQueryCache().subscribe(({ type, query, ...told }) => {
  if (type === "removed") asked.delete(query.queryHash);
  if (type === "updated" && "action" in told && told.action.type === "fetch")
    asked.set(query.queryHash, performance.now());
});

function askAnew(fits: (key: readonly unknown[], hash: string) => boolean): Promise<void> {
  const predicate = ({ queryKey, queryHash }: { queryKey: readonly unknown[]; queryHash: string }) =>
    fits(queryKey, queryHash);
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

/** Asks anew what was asked before a moment (as `performance.now()` tells it): of a workspace, and who this is. */
export function refreshOlder(workspace: string, moment: number): Promise<void> {
  return askAnew(([whose], hash) => (whose === workspace || whose === ME[0]) && (asked.get(hash) ?? 0) <= moment);
}

type Act<V, T> = {
  method?: "POST" | "PUT" | "PATCH" | "DELETE";
  path: (input: V) => string;
  body?: (input: V) => unknown;
  ifMatch?: (input: V) => string | null | undefined;
  nouns: Noun[];
  onDone?: (answer: Tagged<T>, input: V) => void;
};

/** A write below a workspace: useAct(slug, {path: (id) => at`/instances/${id}/stop`, nouns: ["instances", "jobs"]}). */
export function useAct<V, T = unknown>(workspace: string, act: Act<V, T>) {
  return useMutation<Tagged<T>, Problem, V>({
    mutationFn: (input) =>
      send<T>(act.method ?? "POST", at`/workspaces/${workspace}` + act.path(input), {
        ...(act.body && { body: act.body(input) }),
        ifMatch: act.ifMatch?.(input) ?? null,
      }),
    onSuccess: async (answer, input) => {
      act.onDone?.(answer, input);
      await refresh(workspace, ...act.nouns);
    },
  });
}
