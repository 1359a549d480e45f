// What a merge would do, asked of the server, which alone knows.

import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { ask } from "@/api/client";
import { getMergeBranchesUrl, type MergePreview, type MergeWish } from "@/api/generated";
import { type Problem, problemOf } from "@/api/problem";

export type Preview = { data: MergePreview | undefined; problem: Problem | null; isAsking: boolean };

/** Asked when both are named, and anew when a branch moves: it belongs to the projects that events tell of. */
export function useMergePreview(workspace: string, project: string, source: string, target: string): Preview {
  const isNamed = source !== "" && target !== "" && source !== target;
  const found = useQuery({
    queryKey: [workspace, "projects", "merge", project, source, target],
    // Without a key by which it could be repeated: its answer isn't worth keeping, and whoever moves on ends it.
    queryFn: async ({ signal }) => {
      const response = await ask(getMergeBranchesUrl(workspace, project), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ source, target, dry_run: true } satisfies MergeWish),
        signal,
      });
      return (await response.json()) as MergePreview;
    },
    enabled: isNamed,
    retry: false,
    gcTime: 30_000,
  });
  return {
    data: isNamed ? found.data : undefined,
    problem: isNamed && found.error ? problemOf(found.error) : null,
    isAsking: isNamed && found.isPending,
  };
}

/** Until then somebody types on, and the letters so far are no branch. */
const PAUSE = 400;

/** A branch's name once it is whole: at once where it is one of those that are known, else when typing pauses. */
export function useWhole(name: string, known: string[]): string | null {
  const [settled] = useDebouncedValue(name, PAUSE);
  return known.includes(name) || settled === name ? name : null;
}

/** A word for a shell: what a branch may be called may mean something to it. */
const word = (text: string) => (/^[\w./@:%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** What is run in a clone up to the conflicts, whatever it calls the place that it came from. */
export function mergeInClone(url: string, source: string, target: string): string {
  const pull = `git pull --no-rebase ${word(url)}`;
  return [`git switch ${word(source)}`, `${pull} ${word(source)}`, `${pull} ${word(target)}`].join("\n");
}
