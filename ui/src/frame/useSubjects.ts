import { useQueries } from "@tanstack/react-query";
import { listCommits } from "@/api/generated";
import type { Commit } from "@/api/nouns";
import { listsProject } from "./sections";
import { useWorkspace } from "./useWorkspace";

type Wanted = { project: string; branch: string; commit: string | null };

/**
 * The commits that are named elsewhere by their ids alone, with subject and author. Only of projects that the caller's
 * own profile lists; one that isn't among the newest of its branch stays without. A commit never changes: it is asked
 * for again only when another one is wanted.
 */
export function useSubjects(wanted: Wanted[]): Map<string, Commit> {
  const workspace = useWorkspace();
  const { slug } = workspace;
  const branches = new Map<string, Wanted & { commits: string[] }>();
  for (const one of wanted) {
    if (!one.commit || !listsProject(workspace, one.project)) continue;
    const key = `${one.project} ${one.branch}`;
    const found = branches.get(key) ?? { ...one, commits: [] };
    found.commits.push(one.commit);
    branches.set(key, found);
  }
  return useQueries({
    queries: [...branches.values()].map(({ project, branch, commits }) => ({
      queryKey: [slug, "subjects", project, branch, commits],
      queryFn: ({ signal }: { signal: AbortSignal }) => listCommits(slug, project, { branch, limit: 50 }, { signal }),
    })),
    combine: (found) => new Map(found.flatMap(({ data }) => data?.items ?? []).map((commit) => [commit.id, commit])),
  });
}
