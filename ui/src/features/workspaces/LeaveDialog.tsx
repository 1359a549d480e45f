import { viewWorkspace } from "@/api/generated";
import type { MyWorkspace } from "@/api/nouns";
import { ConfirmDialog } from "@/kit";
import { useLastOwner, useLeave } from "./useLeave";

export function LeaveDialog({ workspace, onClose }: { workspace: MyWorkspace; onClose: () => void }) {
  const leave = useLeave(workspace, async () => (await viewWorkspace(workspace.slug)).member_id, onClose);
  const last = useLastOwner(workspace.slug, workspace.role === "owner");
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Leave ${workspace.name}?`}
      action="Leave"
      blocked={last}
      busy={leave.isPending}
      problem={leave.error}
      onConfirm={() => leave.mutate()}
    >
      {last ?? "Your permissions there are lost. To come back you need a new invitation."}
    </ConfirmDialog>
  );
}
