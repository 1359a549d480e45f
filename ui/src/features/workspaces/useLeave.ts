import { useNavigate } from "@tanstack/react-router";
import { goneKey, tellGone } from "@/api/events";
import { removeMember } from "@/api/generated";
import { useOwners } from "@/api/memberQueries";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { notice } from "@/kit";

type Left = { slug: string; name: string };

/** Why an owner can't stop being one: there is no other. */
export function useLastOwner(slug: string, isOwner: boolean): string | undefined {
  const { names } = useOwners(slug, isOwner);
  return isOwner && names?.length === 1 ? "You are its last owner. Make another member an owner first." : undefined;
}

/**
 * Leaves a workspace, and goes on to the list of one's own where it was open. That it is gone may be heard before the
 * answer comes: by then it is known to be one's own act.
 */
export function useLeave({ slug, name }: Left, memberOf: () => Promise<string>, onDone: () => void) {
  const navigate = useNavigate();
  return useMutation<void, Problem>({
    mutationFn: async () => {
      const member = await memberOf();
      queryClient.setQueryData(goneKey(slug), "left");
      await removeMember(slug, member);
    },
    onError: () => queryClient.removeQueries({ queryKey: goneKey(slug) }),
    onSuccess: async () => {
      tellGone(slug, "left");
      onDone();
      if (location.pathname.split("/")[1] === slug) await navigate({ to: "/workspaces", ignoreBlocker: true });
      queryClient.removeQueries({ queryKey: [slug] });
      void notice(`You left ${name}`);
      void queryClient.invalidateQueries({ queryKey: ME });
    },
  });
}
