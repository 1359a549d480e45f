import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { listWorkspaces } from "@/api/generated";
import type { MyWorkspace } from "@/api/nouns";
import { ME, useMe } from "@/api/queries";

/** So many come with the account itself. Whoever is in more finds the others by asking. */
const WITH_ACCOUNT = 200;

/** Those of one's workspaces that have `search` in their name or slug. */
export function useMine(search: string): { all: MyWorkspace[]; shown: MyWorkspace[]; isSearching: boolean } {
  const all = useMe().data?.workspaces ?? [];
  const wanted = search.trim().toLocaleLowerCase();
  const [settled] = useDebouncedValue(wanted, 150);
  const asks = all.length >= WITH_ACCOUNT && settled !== "";
  const asked = useQuery({
    queryKey: [...ME, "workspaces", settled],
    queryFn: async ({ signal }) => (await listWorkspaces({ q: settled, limit: 200 }, { signal })).items,
    enabled: asks,
    staleTime: 0,
  });
  const near = all.filter(({ name, slug }) => `${name} ${slug}`.toLocaleLowerCase().includes(wanted));
  const far = asks ? (asked.data ?? []).filter((one) => !near.some(({ id }) => id === one.id)) : [];
  return { all, shown: [...near, ...far], isSearching: asks && asked.isFetching };
}
