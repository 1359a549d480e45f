import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { createServer } from "@/api/generated";
import type { Server } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Dialog, Note } from "@/kit";

export function AddServerDialog({ workspace, onClose }: { workspace: string; onClose: () => void }) {
  const [name, setName] = useState("local");
  const add = useAct<void, Server>(workspace, {
    act: () => createServer(workspace, { name: name.trim(), local: true }),
    nouns: ["servers"],
    onDone: onClose,
  });
  return (
    <Dialog
      opened
      onClose={onClose}
      title="Add this machine"
      sentence="The machine that Stoa itself stands on becomes a server of this workspace: instances run there, each in a sandbox."
      onSubmit={() => name.trim() && add.mutate()}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" disabled={!name.trim()} loading={add.isPending}>
            Add server
          </Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <TextInput
          label="Name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={add.error?.field("name")}
          maxLength={80}
          data-autofocus
        />
        {add.error && add.error.errors.length === 0 && <Note tone="bad">{add.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
