import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useState } from "react";
import { createServer, type Join } from "@/api/generated";
import type { Server } from "@/api/nouns";
import { useAct, useMe, useServers } from "@/api/queries";
import { Dialog, Note, WaitingButton } from "@/kit";
import { JoinCommand } from "./JoinCommand";

type Where = "here" | "elsewhere";

const SENTENCES = {
  here: "The machine that Stoa itself stands on becomes a server of this workspace: instances run there, each in a sandbox.",
  elsewhere:
    "A machine of yours becomes a server by one command that you run on it. It dials out, so no port has to be open there.",
};

export function AddServerDialog({ workspace, onClose }: { workspace: string; onClose: () => void }) {
  const me = useMe();
  const servers = useServers(workspace);
  const offersThis = Boolean(me.data?.is_admin) && !servers.items?.some(({ is_local }) => is_local);
  const [chosen, setChosen] = useState<Where | null>(null);
  const where = chosen ?? (offersThis ? "here" : "elsewhere");
  const [name, setName] = useState<string | null>(null);
  const written = name ?? (where === "here" ? "local" : "");
  const [made, setMade] = useState<(Server & { join: Join }) | null>(null);
  const add = useAct<void, Server & { join?: Join }>(workspace, {
    act: () => createServer(workspace, { name: written.trim(), local: where === "here" }),
    nouns: ["servers"],
    onDone: (server) => (server.join ? setMade({ ...server, join: server.join }) : onClose()),
  });
  if (made) {
    return (
      <Dialog
        opened
        onClose={onClose}
        onlyByButton
        size={640}
        title={`Connect ${made.name}`}
        sentence="Run this on the machine that it is to be. The command is shown once, and works once."
        foot={
          <Button variant="filled" onClick={onClose}>
            Done
          </Button>
        }
      >
        <JoinCommand workspace={workspace} server={made} join={made.join} />
      </Dialog>
    );
  }
  return (
    <Dialog
      opened
      onClose={onClose}
      title="Add a server"
      sentence={SENTENCES[where]}
      onSubmit={() => written.trim() && add.mutate()}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            why={written.trim() ? undefined : "Give it a name first"}
            loading={add.isPending}
          >
            {where === "here" ? "Add server" : "Show the command"}
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        {offersThis && (
          <SegmentedControl
            aria-label="Which machine"
            value={where}
            onChange={(value) => setChosen(value === "here" ? "here" : "elsewhere")}
            data={[
              { value: "here", label: "This machine" },
              { value: "elsewhere", label: "Another machine" },
            ]}
          />
        )}
        <TextInput
          label="Name"
          value={written}
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
