// What administrators are told. It is asked for when a page is opened, and again after each change of one's own.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Page } from "@/api/client";
import {
  type AdministeredAccount,
  type AdministeredWorkspace,
  changeAccountStatus,
  listAccounts,
  listAllWorkspaces,
  nameOwner,
  viewInstallation,
} from "@/api/generated";
import type { Problem } from "@/api/problem";
import { queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";

const ALL = ["administration"] as const;

type Paged = { after?: string; q?: string };

function usePages<T>(
  noun: string,
  q: string,
  read: (query: Paged, init: RequestInit) => Promise<Page<T>>,
  enabled = true,
) {
  const found = useInfiniteQuery({
    queryKey: [...ALL, noun, q],
    queryFn: ({ signal, pageParam }) => read({ ...(q && { q }), ...(pageParam && { after: pageParam }) }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: (before) => before,
    staleTime: 0,
    enabled,
  });
  return { ...found, items: found.data?.pages.flatMap(({ items }) => items) };
}

export const useAllWorkspaces = (q: string) => usePages<AdministeredWorkspace>("workspaces", q, listAllWorkspaces);
export const useAccounts = (q: string, enabled = true) =>
  usePages<AdministeredAccount>("accounts", q, listAccounts, enabled);
export const useInstallation = () =>
  useQuery({ queryKey: [...ALL, "state"], queryFn: ({ signal }) => viewInstallation({ signal }), staleTime: 0 });

const again = () => void queryClient.invalidateQueries({ queryKey: ALL });

export function useStatusChange(onDone: () => void) {
  return useMutation<AdministeredAccount, Problem, AdministeredAccount>({
    mutationFn: ({ id, status }) => changeAccountStatus(id, { status: status === "active" ? "disabled" : "active" }),
    onSuccess: () => {
      again();
      onDone();
    },
  });
}

export function useOwnerNaming(workspace: string, onDone: () => void) {
  return useMutation<AdministeredWorkspace, Problem, string>({
    mutationFn: (account) => nameOwner(workspace, { account }),
    onSuccess: () => {
      again();
      onDone();
    },
  });
}
