import { Button } from "@mantine/core";
import { useEffect } from "react";
import { useInstance } from "@/api/queries";
import { StopDialog } from "@/features/instances/StopDialog";
import { useActs } from "@/features/instances/useActs";
import { Note } from "@/kit";
import { Dialog } from "@/kit/Dialog";
import type { Act } from "./acts";

type Props = { workspace: string; act: Act; onClose: () => void };

/** What was chosen is done: a stop asks as its button does, the rest begins at once and is seen where it goes on. */
export function Doing({ workspace, act: { instance: chosen, act }, onClose }: Props) {
  // As it is by now: what goes on may have changed since.
  const instance = useInstance(workspace, chosen.slug).data ?? chosen;
  if (act === "stop") return <StopDialog workspace={workspace} instance={instance} opened onClose={onClose} />;
  return <Begun workspace={workspace} id={instance.id} name={instance.name} act={act} onClose={onClose} />;
}

const FAILED = {
  restart_soft: "wasn't restarted",
  restart_hard: "wasn't restarted",
  start: "wasn't started",
  backup: "wasn't backed up",
};

type BegunProps = { workspace: string; id: string; name: string; act: keyof typeof FAILED; onClose: () => void };

function Begun({ workspace, id, name, act, onClose }: BegunProps) {
  const { mutate, error } = useActs(workspace, onClose);
  useEffect(() => mutate({ id, act }), [mutate, id, act]);
  if (!error) return null;
  return (
    <Dialog opened onClose={onClose} title={`${name} ${FAILED[act]}`} foot={<Button onClick={onClose}>Close</Button>}>
      <Note tone="bad">{error.detail}</Note>
    </Dialog>
  );
}
