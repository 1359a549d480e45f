import { Autocomplete, Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeProject, deleteProject } from "@/api/generated";
import { letGo } from "@/api/gone";
import type { Project } from "@/api/nouns";
import { useAct, useAllInstances, useBranches } from "@/api/queries";
import { AbleButton, ConfirmDialog, Meanwhile, Note, Panel, Section, Unsaved, useDraft, WaitingButton } from "@/kit";
import { HowToPush } from "./HowToPush";
import { RemoteSettings } from "./RemoteSettings";

const fields = ({ name, branch }: { name: string; branch: string }) => ({ Name: name, "Default branch": branch });

/** Name and default branch. What is typed stays when others save, or when the repository is fetched meanwhile. */
function General({ workspace, project }: { workspace: string; project: Tagged<Project> }) {
  const form = useDraft(project, ({ name, default_branch: branch }) => ({ name, branch }));
  const { isChanged } = form;
  const { name, branch } = form.draft;
  const names = (useBranches(workspace, project.id).data ?? []).flatMap((one) => (one.commit ? [one.name] : []));
  const set = (change: Partial<typeof form.draft>) => form.setDraft({ ...form.draft, ...change });
  const save = useAct<void, Project>(workspace, {
    act: () =>
      changeProject(workspace, project.id, { name: name.trim(), default_branch: branch.trim() }, ifMatch(form.etag)),
    nouns: ["projects"],
    onDone: form.take,
  });
  return (
    <form
      aria-label="General"
      style={{ display: "grid", gap: 16 }}
      onSubmit={(event) => {
        event.preventDefault();
        if (isChanged) save.mutate();
      }}
    >
      <Unsaved when={isChanged} what="What you changed of the project" />
      {isChanged && form.isStale && !save.isPending && <Meanwhile form={form} fields={fields} drop={form.drop} />}
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => set({ name: event.currentTarget.value })}
        error={save.error?.field("name")}
        maxLength={80}
      />
      <Autocomplete
        label="Default branch"
        data={names}
        value={branch}
        onChange={(value) => set({ branch: value })}
        selectFirstOptionOnChange={false}
        error={save.error?.field("default_branch")}
      />
      {save.error && save.error.errors.length === 0 && <Note tone="bad">{save.error.detail}</Note>}
      <div style={{ display: "flex", gap: 8, justifyContent: "flex-end" }}>
        {isChanged && (
          <Button onClick={form.drop} disabled={save.isPending}>
            Discard
          </Button>
        )}
        <WaitingButton
          type="submit"
          variant="filled"
          why={isChanged ? undefined : "Change something first"}
          loading={save.isPending}
        >
          Save
        </WaitingButton>
      </div>
    </form>
  );
}

export function ProjectSettings({ workspace, project }: { workspace: string; project: Tagged<Project> }) {
  const navigate = useNavigate();
  const instances = useAllInstances(workspace, { project: project.id });
  const [isRemoving, setRemoving] = useState(false);
  const remove = useAct<void>(workspace, {
    act: () => deleteProject(workspace, project.id, ifMatch(project.etag)),
    nouns: ["projects"],
    onDone: () => {
      letGo(workspace, "project", project.id);
      return navigate({ to: `/${workspace}/projects`, ignoreBlocker: true });
    },
  });
  const isRemote = project.repository.kind === "remote";
  return (
    <div style={{ display: "grid", gap: 8, maxWidth: 760 }}>
      <Section title="Repository">
        <Panel padded>
          {isRemote ? <RemoteSettings workspace={workspace} project={project} /> : <HowToPush project={project} />}
        </Panel>
      </Section>
      <Section title="General">
        <Panel padded>
          <General workspace={workspace} project={project} />
        </Panel>
      </Section>
      <Section title="Delete">
        <Panel padded>
          <div style={{ display: "flex", gap: 16, alignItems: "center", justifyContent: "space-between" }}>
            <span>
              {isRemote
                ? "What Stoa has fetched goes with it; the repository itself stays where it is."
                : "The repository and its history go with it."}
              {instances.data?.length ? " Its instances have to be deleted first." : ""}
            </span>
            <AbleButton of={project} verb="delete" data-danger onClick={() => setRemoving(true)}>
              Delete project
            </AbleButton>
          </div>
        </Panel>
      </Section>
      <ConfirmDialog
        opened={isRemoving}
        onClose={() => setRemoving(false)}
        title={`Delete ${project.name}?`}
        action="Delete for good"
        typed={project.name}
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        {isRemote
          ? "What Stoa has fetched goes with it; the repository itself stays where it is."
          : "The repository and its history go with it. There is no way back."}{" "}
        What was backed up of its deleted instances stays for the rest of its 30 days: an instance of another project
        can be made of it.
      </ConfirmDialog>
    </div>
  );
}
