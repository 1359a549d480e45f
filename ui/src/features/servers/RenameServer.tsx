import { Button, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeServer } from "@/api/generated";
import type { Server } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Dialog, Note } from "@/kit";

export function RenameServer(props: { workspace: string; server: Tagged<Server>; onClose: () => void }) {
  const { server } = props;
  const navigate = useNavigate();
  const [name, setName] = useState(server.name);
  const save = useAct<void, Server>(props.workspace, {
    act: () => changeServer(props.workspace, server.id, { name: name.trim() }, ifMatch(server.etag)),
    nouns: ["servers", "instances"],
    onDone: ({ slug }) => {
      props.onClose();
      // Its address follows its name where the server says so.
      if (slug !== server.slug) void navigate({ to: `/${props.workspace}/servers/${slug}`, replace: true });
    },
  });
  const isChanged = name.trim() !== "" && name.trim() !== server.name;
  return (
    <Dialog
      opened
      onClose={props.onClose}
      title={`Rename ${server.name}`}
      onSubmit={() => isChanged && save.mutate()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" variant="filled" disabled={!isChanged} loading={save.isPending}>
            Rename
          </Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={save.error?.field("name")}
          maxLength={80}
          data-autofocus
        />
        {save.error && save.error.errors.length === 0 && <Note tone="bad">{save.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
