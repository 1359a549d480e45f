import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createWorkspace } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { Dialog, Note, WaitingButton, WorkspaceLogo } from "@/kit";
import { SlugField } from "./SlugField";
import { useSlug } from "./useSlug";
import css from "./workspaces.module.css";

export function CreateWorkspaceDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  // A dialog that is opened again begins anew.
  return opened ? <CreateWorkspace onClose={onClose} /> : null;
}

function CreateWorkspace({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const slug = useSlug(name);
  const me = useMe();
  const isFirst = me.data?.workspaces.length === 0;
  const create = useMutation<Workspace, Problem>({
    mutationFn: () => createWorkspace({ name: name.trim(), slug: slug.slug }),
    onSuccess: async (workspace) => {
      await queryClient.invalidateQueries({ queryKey: ME, exact: true });
      onClose();
      const to = isFirst ? "/$workspace/start" : "/$workspace";
      void navigate({ to, params: { workspace: workspace.slug }, ignoreBlocker: true });
    },
  });
  const ofSlug = create.error?.field("slug") ?? (create.error?.code === "slug_taken" ? create.error.detail : undefined);
  const general = create.error && create.error.errors.length === 0 && !ofSlug ? create.error : null;
  const ready = name.trim().length > 0 && slug.isFree;
  return (
    <Dialog
      opened
      onClose={onClose}
      unsaved={name.trim() !== "" || slug.isEdited}
      title="Create Workspace"
      sentence="You become its owner and can invite people right after."
      onSubmit={() => ready && create.mutate()}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            loading={create.isPending}
            why={ready ? undefined : "Give a name, and a slug that is free"}
          >
            Create Workspace
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 20 }}>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          leftSection={<WorkspaceLogo name={name || "?"} size={26} />}
          leftSectionWidth={38}
          maxLength={80}
          required
          withAsterisk={false}
          autoComplete="organization"
          error={create.error?.field("name")}
          data-autofocus
        />
        <SlugField state={slug} error={ofSlug} />
        <div className={css.url}>
          Its pages will live under
          <code>
            {location.host}/<strong>{slug.slug || "…"}</strong>
          </code>
        </div>
        {general && <Note tone="bad">{general.detail}</Note>}
      </div>
    </Dialog>
  );
}
