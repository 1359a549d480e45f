import { stopInstance } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { ConfirmDialog } from "@/kit";
import { calledOf } from "./goingOn";
import { AFTER } from "./useActs";

type Props = { workspace: string; instance: Instance; opened: boolean; onClose: () => void };

/** Asks before an instance is stopped, and says what that cancels. */
export function StopDialog({ workspace, instance, opened, onClose }: Props) {
  // What goes on is cancelled where this has said so, and only then.
  const goesOn = instance.job && calledOf(instance.job);
  const stop = useAct<void>(workspace, {
    act: () => stopInstance(workspace, instance.id, { cancel: goesOn !== null }),
    nouns: [...AFTER],
    onDone: onClose,
  });
  return (
    <ConfirmDialog
      opened={opened}
      onClose={onClose}
      title={goesOn ? `Cancel ${goesOn} and stop ${instance.name}?` : `Stop ${instance.name}?`}
      {...(goesOn ? { action: "Cancel it and stop", cancel: "Let it go on" } : { action: "Stop" })}
      busy={stop.isPending}
      problem={stop.error}
      onConfirm={() => stop.mutate()}
    >
      Visitors see a plain page until it is started again. Its data stays.
    </ConfirmDialog>
  );
}
