import { changeRole, removeMember } from "@/api/generated";
import type { Member } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { useLastOwner, useLeave } from "@/features/workspaces/useLeave";
import { useWorkspace } from "@/frame/useWorkspace";
import { ConfirmDialog } from "@/kit";

export function ChangeRole({ member, isMe, onClose }: { member: Member; isMe: boolean; onClose: () => void }) {
  const workspace = useWorkspace();
  const toOwner = member.role === "member";
  const change = useAct<void>(workspace.slug, {
    act: () => changeRole(workspace.slug, member.id, { role: toOwner ? "owner" : "member" }),
    nouns: ["members", "permissions", "workspace"],
    onDone: onClose,
  });
  const { name } = member.account;
  const last = useLastOwner(workspace.slug, isMe && !toOwner);
  return (
    <ConfirmDialog
      opened
      onClose={onClose}
      title={toOwner ? `Make ${name} an owner?` : `Make ${isMe ? "yourself" : name} a plain member?`}
      action={toOwner ? "Make an owner" : "Make a plain member"}
      danger={!toOwner}
      blocked={last}
      busy={change.isPending}
      problem={change.error}
      onConfirm={() => change.mutate()}
    >
      {toOwner
        ? "An owner may do everything in this workspace, also change other owners. The permissions set so far are emptied."
        : isMe
          ? (last ??
            "You lose access to everything in this workspace: a plain member starts with nothing, and only another owner can give you something again. This takes effect at once.")
          : "A plain member starts with nothing: no action, no project, no instance, no server. This takes effect at once."}
    </ConfirmDialog>
  );
}

export function RemoveMember(props: { member: Member; isMe: boolean; onClose: () => void }) {
  const workspace = useWorkspace();
  const { name } = props.member.account;
  const remove = useAct<void>(workspace.slug, {
    act: () => removeMember(workspace.slug, props.member.id),
    nouns: ["members"],
    onDone: props.onClose,
  });
  const leave = useLeave(workspace, async () => props.member.id, props.onClose);
  const act = props.isMe ? leave : remove;
  const last = useLastOwner(workspace.slug, props.isMe && props.member.role === "owner");
  return (
    <ConfirmDialog
      opened
      onClose={props.onClose}
      title={props.isMe ? `Leave ${workspace.name}?` : `Remove ${name}?`}
      action={props.isMe ? "Leave" : "Remove"}
      blocked={last}
      busy={act.isPending}
      problem={act.error}
      onConfirm={() => act.mutate()}
    >
      {props.isMe
        ? (last ?? "Your permissions are lost. To come back you need a new invitation.")
        : "What they have open ends within a second. To come back they need a new invitation, and start without permissions."}
    </ConfirmDialog>
  );
}
