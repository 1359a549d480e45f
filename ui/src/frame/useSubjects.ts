import { useQueries } from "@tanstack/react-query";
import { at, get, type Page } from "@/api/client";
import type { Commit } from "@/api/types";
import { useWorkspace } from "./useWorkspace";

type Wanted = { project: string; branch: string };

/**
 * The newest commits of branches, by their ids: for what names a commit and doesn't tell its subject. Only of projects
 * that the caller's own profile lists; a commit that isn't among the newest stays without its subject.
 */
export function useSubjects(wanted: Wanted[]): Map<string, Commit> {
  const { slug, permissions } = useWorkspace();
  const isListed = (project: string) =>
    permissions.actions.includes("view_projects") && (permissions.projects?.includes(project) ?? true);
  const each = new Map(wanted.map((one) => [`${one.project} ${one.branch}`, one]));
  const asked = [...each.values()].filter(({ project }) => isListed(project));
  return useQueries({
    queries: asked.map(({ project, branch }) => ({
      queryKey: [slug, "projects", "newest commits", project, branch],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        get<Page<Commit>>(at`/workspaces/${slug}/projects/${project}/commits`, { branch, limit: 50 }, signal),
    })),
    combine: (found) => new Map(found.flatMap(({ data }) => data?.items ?? []).map((commit) => [commit.id, commit])),
  });
}
