// What is asked about members, what they may do, and what they did: apart from the rest, so that a first load goes
// without it.

import { useQuery } from "@tanstack/react-query";
import { call } from "./client";
import {
  type AuditPage,
  type FindWhoParams,
  findWho,
  getListAuditUrl,
  type ListAuditParams,
  type ListMembersParams,
  listGrantable,
  listInvitations,
  listMembers,
  listOwnAudit,
  listPresets,
  viewPermissions,
} from "./generated";
import { given, useAll, useObject, usePages } from "./queries";

export const useMembers = (workspace: string, query: ListMembersParams = {}, enabled = true) =>
  usePages(
    workspace,
    "members",
    [query],
    (page, init) => listMembers(workspace, { ...given(query), ...page }, init),
    enabled,
  );
/** Who can grant a permission, by name. */
export const useOwners = (workspace: string, enabled = true) => {
  const found = useMembers(workspace, { brief: true, role: "owner" }, enabled);
  return { names: found.items?.map(({ account }) => account.name), isLoading: found.isLoading };
};
export const useAllMembers = (workspace: string, enabled = true) =>
  useAll(workspace, "members", [], (page, init) => listMembers(workspace, page, init), enabled);
/** Who can do something: an action, a resource, or both. */
export const useWho = (workspace: string, query: FindWhoParams) =>
  usePages(workspace, "permissions", ["who", query], (page, init) => findWho(workspace, { ...query, ...page }, init));
export const usePresets = (workspace: string, enabled = true) =>
  useQuery({
    queryKey: [workspace, "presets"],
    queryFn: async ({ signal }) => (await listPresets(workspace, { signal })).items,
    enabled,
  });
/** Everything that a profile may hold, by name: one answer, however much it is. */
export const useGrantable = (workspace: string, enabled = true) =>
  useQuery({
    queryKey: [workspace, "permissions", "grantable"],
    queryFn: ({ signal }) => listGrantable(workspace, { signal }),
    enabled,
  });
export const useInvitations = (workspace: string, enabled = true) =>
  useAll(workspace, "invitations", [], (page, init) => listInvitations(workspace, page, init), enabled);
export const usePermissions = (workspace: string, member: string, enabled = true) =>
  useObject(
    workspace,
    "permissions",
    `/members/${member}/permissions`,
    (init) => viewPermissions(workspace, member, init),
    enabled,
    false,
  );
export const useAudit = (workspace: string, mine: boolean, query: ListAuditParams = {}) =>
  usePages(workspace, "audit", [mine, query], (page, init) =>
    mine
      ? listOwnAudit(workspace, { ...given(query), ...page }, init)
      : // It is told in lines too, for exports; here it is a page.
        call<AuditPage>(getListAuditUrl(workspace, { ...given(query), ...page }), init),
  );
