import { useState } from "react";
import { createServer } from "@/api/generated";
import type { Server } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { NameDialog } from "@/kit";

export function AddServerDialog({ workspace, onClose }: { workspace: string; onClose: () => void }) {
  const [name, setName] = useState("local");
  const add = useAct<void, Server>(workspace, {
    act: () => createServer(workspace, { name: name.trim(), local: true }),
    nouns: ["servers"],
    onDone: onClose,
  });
  return (
    <NameDialog
      title="Add this machine"
      sentence="The machine that Stoa itself stands on becomes a server of this workspace: instances run there, each in a sandbox."
      name={name}
      onChange={setName}
      action="Add server"
      isBusy={add.isPending}
      problem={add.error}
      onDone={() => add.mutate()}
      onClose={onClose}
    />
  );
}
