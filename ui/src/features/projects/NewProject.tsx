import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createProject } from "@/api/generated";
import type { Project } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Dialog, Note } from "@/kit";

export function NewProjectDialog(props: { workspace: string; onClose: () => void; stays?: boolean }) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const create = useAct<void, Project>(props.workspace, {
    act: () => createProject(props.workspace, { name: name.trim(), repository: { kind: "hosted" } }),
    nouns: ["projects"],
    onDone: (project) => {
      props.onClose();
      if (!props.stays) void navigate({ to: `/${props.workspace}/projects/${project.slug}` });
    },
  });
  return (
    <Dialog
      opened
      onClose={props.onClose}
      title="New project"
      sentence="An application and its repository, which Stoa hosts."
      onSubmit={() => name.trim() && create.mutate()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" variant="filled" disabled={!name.trim()} loading={create.isPending}>
            Create project
          </Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <TextInput
          label="Name"
          placeholder="Guestbook"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={create.error?.field("name")}
          maxLength={80}
          data-autofocus
        />
        {create.error && create.error.errors.length === 0 && <Note tone="bad">{create.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
