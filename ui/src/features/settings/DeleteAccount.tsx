import { Button } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { deleteAccount, listMembers } from "@/api/generated";
import type { Account } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { takeLeave } from "@/features/session/leave";
import { ConfirmDialog, DisabledReason, Panel, Section } from "@/kit";
import { dress } from "@/theme/look";
import css from "./settings.module.css";
import { toldOf, useConfirmed } from "./useConfirmed";

/** The workspaces where nobody else is an owner, as far as their lists say it. The server decides, and says so too. */
function useAlone({ workspaces }: Account): string[] {
  const owned = workspaces.filter(({ role }) => role === "owner").slice(0, MOST);
  return useQueries({
    queries: owned.map(({ slug }) => ({
      queryKey: [slug, "members", "owners"],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        listMembers(slug, { role: "owner", brief: true, limit: 2 }, { signal }),
      staleTime: 0,
      retry: false,
    })),
    combine: (found) => owned.filter((_, at) => found[at]?.data?.items.length === 1).map(({ name }) => name),
  });
}

const lists = new Intl.ListFormat("en-GB");
/** As many are asked beforehand. */
const MOST = 20;

export function DeleteAccount({ account }: { account: Account }) {
  const { confirmed, dialog } = useConfirmed();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const alone = useAlone(account);
  const reason =
    alone.length > 0
      ? `You are the last owner of ${lists.format(alone)}. Make another member an owner there, or delete it, first.`
      : null;
  const remove = useMutation<unknown, Problem>({
    mutationFn: () => confirmed(() => deleteAccount({ confirm: account.email })),
    onSuccess: async () => {
      dress(null);
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== ME[0] });
      await queryClient.resetQueries({ queryKey: ME, exact: true });
      takeLeave(`The account ${account.email} is deleted.`);
      await navigate({ to: "/login", replace: true });
    },
  });
  return (
    <Section title="Danger">
      <Panel>
        <div className={css.line}>
          <div className={css.grow}>
            <div className={css.strong}>Delete my account</div>
            <div className={css.small}>
              You leave all workspaces; your sessions and access tokens end. What you did keeps your name in their logs.
            </div>
            {reason && <div className={css.reason}>{reason}</div>}
          </div>
          <DisabledReason reason={reason}>
            <Button
              data-danger
              aria-disabled={reason ? true : undefined}
              data-disabled={reason ? true : undefined}
              onClick={reason ? undefined : () => setOpen(true)}
            >
              Delete my account
            </Button>
          </DisabledReason>
        </div>
      </Panel>
      <ConfirmDialog
        opened={isOpen}
        onClose={() => setOpen(false)}
        title="Delete your account?"
        action="Delete my account"
        typed={account.email}
        busy={remove.isPending}
        problem={toldOf(remove.error)}
        onConfirm={() => remove.mutate()}
      >
        This can't be undone. Your address becomes free for a new account, which has nothing of this one.
      </ConfirmDialog>
      {dialog}
    </Section>
  );
}
