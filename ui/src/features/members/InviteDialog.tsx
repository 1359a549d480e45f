import { Button, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { createInvitation } from "@/api/generated/stoa";
import type { Invitation, Workspace } from "@/api/nouns";
import { type Problem, problemOf } from "@/api/problem";
import { refresh } from "@/api/queries";
import { CodeToCopy, Dialog, Note } from "@/kit";
import { addressesIn } from "./addresses";

type Outcome = { email: string; invitation?: Invitation; problem?: Problem };

/** One or more addresses; each is said for itself what became of it. */
export function InviteDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const [text, setText] = useState("");
  const addresses = addressesIn(text);
  const invite = useMutation<Outcome[]>({
    mutationFn: async () => {
      const outcomes: Outcome[] = [];
      for (const email of addresses) {
        try {
          outcomes.push({
            email,
            invitation: await createInvitation(workspace.slug, { email }),
          });
        } catch (failure) {
          outcomes.push({ email, problem: problemOf(failure) });
        }
      }
      return outcomes;
    },
    onSuccess: () => void refresh(workspace.slug, "invitations"),
  });
  const outcomes = invite.data;
  if (outcomes) {
    const failed = outcomes.filter(({ problem }) => problem);
    const again = () => {
      setText(failed.map(({ email }) => email).join("\n"));
      invite.reset();
    };
    return (
      <Dialog
        opened
        onClose={onClose}
        size={560}
        title={failed.length === outcomes.length ? "Nobody was invited" : "Invited"}
        foot={
          <>
            {failed.length > 0 && <Button onClick={again}>Correct what failed</Button>}
            <Button variant="filled" onClick={onClose} data-autofocus>
              Done
            </Button>
          </>
        }
      >
        <div style={{ display: "grid", gap: 12 }}>
          {outcomes.map((outcome) => (
            <Told key={outcome.email} {...outcome} />
          ))}
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      opened
      onClose={onClose}
      title="Invite Member"
      sentence={`They join ${workspace.name} without permissions. You choose afterwards what they may see and do.`}
      onSubmit={() => addresses.length > 0 && invite.mutate()}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            variant="filled"
            loading={invite.isPending}
            disabled={addresses.length === 0}
            title={addresses.length ? undefined : "Give an e-mail address first"}
          >
            {addresses.length > 1 ? `Invite ${addresses.length} people` : "Invite"}
          </Button>
        </>
      }
    >
      <Textarea
        label="E-mail addresses"
        description="One or more, parted by commas or lines. Each link works once, for 7 days."
        inputWrapperOrder={["label", "input", "error", "description"]}
        autosize
        minRows={2}
        maxRows={8}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        autoComplete="off"
        data-autofocus
      />
    </Dialog>
  );
}

function Told({ email, invitation, problem }: Outcome) {
  if (problem)
    return (
      <Note tone="bad">
        <strong>{email}</strong>: {problem.detail}
      </Note>
    );
  if (invitation?.link)
    return (
      <div style={{ display: "grid", gap: 8 }}>
        <Note tone="warn">
          <strong>{email}</strong>: this installation has no mail server, so the link is yours to pass on. It is shown
          this once.
        </Note>
        <CodeToCopy text={invitation.link} label="Copy the link" />
      </div>
    );
  return (
    <Note tone="good">
      <strong>{email}</strong>: the mail with the link is on its way.
    </Note>
  );
}
