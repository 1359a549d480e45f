import { removeMember, viewWorkspace } from "@/api/generated";
import type { MyWorkspace } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { ConfirmDialog } from "@/kit";

export function LeaveDialog({ workspace, onClose }: { workspace: MyWorkspace; onClose: () => void }) {
  const leave = useMutation<void, Problem>({
    mutationFn: async () => {
      const { member_id } = await viewWorkspace(workspace.slug);
      await removeMember(workspace.slug, member_id);
    },
    onSuccess: () => {
      onClose();
      void queryClient.invalidateQueries({ queryKey: ME });
    },
  });
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
