// What the pages of one's own account ask for: apart, so that no other page loads it.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { listPasskeys, listSessions, listTokens, viewSecondFactor } from "./generated";
import { ME, type ReadPage } from "./queries";

/** A list of one's own account, page by page. */
function useOwnPages<T>(what: string, read: ReadPage<T>) {
  const found = useInfiniteQuery({
    queryKey: [...ME, what],
    queryFn: ({ signal, pageParam }) => read({ ...(pageParam && { after: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  return { ...found, items: found.data?.pages.flatMap((page) => page.items) };
}

export const useSessions = () => useOwnPages("sessions", listSessions);
export const useTokens = () => useOwnPages("tokens", listTokens);
export const usePasskeys = () => useOwnPages("passkeys", listPasskeys);
export const useSecondFactor = () =>
  useQuery({ queryKey: [...ME, "second-factor"], queryFn: ({ signal }) => viewSecondFactor({ signal }) });
