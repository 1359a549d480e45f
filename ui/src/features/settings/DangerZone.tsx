import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ifMatch } from "@/api/client";
import { deleteWorkspace } from "@/api/generated/stoa";
import { ME, queryClient, useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { ConfirmDialog, PageTitle, Panel } from "@/kit";
import css from "./settings.module.css";

export function DangerZone() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const remove = useAct<void>(workspace.slug, {
    act: () => deleteWorkspace(workspace.slug, { confirm: workspace.slug }, ifMatch(workspace.etag)),
    nouns: [],
    onDone: () => {
      void navigate({ to: "/workspaces", replace: true });
      void queryClient.invalidateQueries({ queryKey: ME });
    },
  });
  return (
    <>
      <PageTitle title="Danger zone" sentence="What can't be undone." />
      <Panel>
        <div className={css.line}>
          <div className={css.grow}>
            <div className={css.strong}>Delete the workspace</div>
            <div className={css.small}>
              Its projects, members and records go. That works once no instance is left. Its slugs are free again after
              30 days.
            </div>
          </div>
          <Button data-danger onClick={() => setOpen(true)}>
            Delete
          </Button>
        </div>
      </Panel>
      <ConfirmDialog
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={`Delete ${workspace.name}?`}
        action="Delete the workspace"
        typed={workspace.slug}
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        Every member loses it at once, and its repositories go with it. This can't be undone.
      </ConfirmDialog>
    </>
  );
}
