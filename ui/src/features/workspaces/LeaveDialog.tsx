import { viewWorkspace } from "@/api/generated";
import type { MyWorkspace } from "@/api/nouns";
import { ConfirmDialog } from "@/kit";
import { useLeave } from "./useLeave";

export function LeaveDialog({ workspace, onClose }: { workspace: MyWorkspace; onClose: () => void }) {
  const leave = useLeave(workspace, async () => (await viewWorkspace(workspace.slug)).member_id, onClose);
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={`Leave ${workspace.name}?`}
      action="Leave"
      busy={leave.isPending}
      problem={leave.error}
      onConfirm={() => leave.mutate()}
    >
      Your permissions there are lost. To come back you need a new invitation.
      {workspace.role === "owner" && " Its last owner can't leave: make another member an owner first."}
    </ConfirmDialog>
  );
}
