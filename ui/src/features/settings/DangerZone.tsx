import { Button } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ifMatch } from "@/api/client";
import { tellGone } from "@/api/events";
import { deleteWorkspace } from "@/api/generated";
import { ME, queryClient, useAct, useAllInstances } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { ConfirmDialog, DisabledReason, Go, PageTitle, Panel, StageTag, StatusBadge } from "@/kit";
import css from "./settings.module.css";

/** Instances that are named one by one. */
const LISTED = 20;

export function DangerZone() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const left = useAllInstances(workspace.slug).data ?? [];
  const remove = useAct<void>(workspace.slug, {
    act: () => deleteWorkspace(workspace.slug, { confirm: workspace.slug }, ifMatch(workspace.etag)),
    nouns: [],
    onDone: async () => {
      tellGone(workspace.slug, "deleted");
      // First the page goes: what is shown of the workspace would be asked for once more, in vain.
      await navigate({ to: "/workspaces", replace: true, ignoreBlocker: true });
      queryClient.removeQueries({ queryKey: [workspace.slug] });
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
          <DisabledReason reason={left.length > 0 ? "Delete its instances first" : null}>
            <Button data-danger disabled={left.length > 0} onClick={() => setOpen(true)}>
              Delete
            </Button>
          </DisabledReason>
        </div>
        {left.length > 0 && (
          <div className={css.line} style={{ display: "block" }}>
            <div className={css.strong}>
              {left.length === 1 ? "This instance has to go first" : `These ${left.length} instances have to go first`}
            </div>
            <ul className={css.left}>
              {left.slice(0, LISTED).map(({ id, slug, name, stage, status }) => (
                <li key={id}>
                  <Link
                    to="/$workspace/instances/$instance/{-$tab}"
                    params={{ workspace: workspace.slug, instance: slug }}
                  >
                    {name}
                  </Link>
                  <StageTag stage={stage} />
                  <StatusBadge status={status} bare />
                </li>
              ))}
            </ul>
            {left.length > LISTED && (
              <Go to={`/${workspace.slug}/instances`}>and {left.length - LISTED} more under Instances</Go>
            )}
          </div>
        )}
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
