import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { deleteAccount } from "@/api/generated";
import type { Account } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { takeLeave } from "@/features/session/leave";
import { ConfirmDialog, Panel, Section } from "@/kit";
import { dress } from "@/theme/look";
import css from "./settings.module.css";
import { toldOf, useConfirmed } from "./useConfirmed";

export function DeleteAccount({ account }: { account: Account }) {
  const { confirmed, dialog } = useConfirmed();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
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
          </div>
          <Button data-danger onClick={() => setOpen(true)}>
            Delete my account
          </Button>
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
