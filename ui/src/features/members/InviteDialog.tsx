import { Button, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { createInvitation } from "@/api/generated";
import type { Invitation, Workspace } from "@/api/nouns";
import { isCode, type Problem, problemOf } from "@/api/problem";
import { refresh } from "@/api/queries";
import { CodeToCopy, Dialog, Note } from "@/kit";
import { useUnsaved } from "@/kit/useUnsaved";
import { addressesIn } from "./addresses";
import css from "./members.module.css";

type Outcome = { email: string; invitation?: Invitation; problem?: Problem };

/** Longest wait, in seconds, for the server to take more: the limit of a minute is waited out, that of a day isn't. */
const PATIENCE = 90;
const LONGEST_MESSAGE = 1000;

/** One or more addresses; each is said for itself what became of it. */
export function InviteDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const [text, setText] = useState("");
  const [message, setMessage] = useState("");
  const [progress, setProgress] = useState("");
  const isThere = useRef(true);
  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);
  const addresses = addressesIn(text);
  const one = async (email: string): Promise<Outcome> => {
    for (;;) {
      try {
        const body = { email, ...(message.trim() && { message }) };
        return { email, invitation: await createInvitation(workspace.slug, body) };
      } catch (failure) {
        const problem = problemOf(failure);
        const wait = isCode(problem, "too_many_requests") ? problem.retryAfter : null;
        if (wait === null || wait > PATIENCE || !isThere.current) return { email, problem };
        setProgress(`The server takes more in ${wait} s`);
        await new Promise((go) => setTimeout(go, wait * 1000));
      }
    }
  };
  const invite = useMutation<Outcome[]>({
    mutationFn: async () => {
      const outcomes: Outcome[] = [];
      for (const email of addresses) {
        // Closed meanwhile: whoever hasn't been invited yet isn't.
        if (!isThere.current) break;
        setProgress(`${outcomes.length + 1} of ${addresses.length}`);
        outcomes.push(await one(email));
      }
      return outcomes;
    },
    onSettled: () => void refresh(workspace.slug, "invitations"),
  });
  const outcomes = invite.data;
  const { leave, question } = useUnsaved(!outcomes && text.trim() !== "", {
    title: "Discard what you typed?",
    sentence: invite.isPending ? "Whoever isn't invited yet won't be." : "Nobody has been invited yet.",
    discard: "Discard",
  });
  if (outcomes) {
    const failed = outcomes.filter(({ problem }) => problem);
    const links = outcomes.filter(({ invitation }) => invitation?.link).length;
    const again = () => {
      setText(failed.map(({ email }) => email).join("\n"));
      invite.reset();
    };
    return (
      <Dialog
        opened
        onClose={onClose}
        size={560}
        keepsOpen={links > 0}
        title={toldOf(outcomes.length - failed.length, failed.length)}
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
          {links > 0 && (
            <Note tone="warn">
              This installation has no mail server, so{" "}
              {links === 1
                ? "the link is yours to pass on. It is shown this once."
                : "the links are yours to pass on. They are shown this once."}
            </Note>
          )}
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
      onClose={() => leave(onClose)}
      title="Invite Member"
      sentence={`They join ${workspace.name} without permissions. You choose afterwards what they may see and do.`}
      onSubmit={() => addresses.length > 0 && !invite.isPending && invite.mutate()}
      foot={
        <>
          {invite.isPending && addresses.length > 1 && (
            <span role="status" style={{ marginRight: "auto", color: "var(--text2)" }} className="numbers">
              {progress}
            </span>
          )}
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
      <div style={{ display: "grid", gap: 16 }}>
        <Textarea
          label="E-mail addresses"
          description="One or more, separated by commas or new lines. Each link works once, for 7 days."
          inputWrapperOrder={["label", "input", "error", "description"]}
          autosize
          minRows={2}
          maxRows={8}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
        <Textarea
          label="Message (optional)"
          description="Plain text. It is shown on the page that the link opens, and in the mail where one is sent."
          inputWrapperOrder={["label", "input", "error", "description"]}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={LONGEST_MESSAGE}
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
        />
        {question}
      </div>
    </Dialog>
  );
}

function toldOf(invited: number, failed: number): string {
  if (invited === 0) return "Nobody was invited";
  if (failed === 0) return invited === 1 ? "Invited" : `${invited} people invited`;
  return `${invited} invited, ${failed} not`;
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
      <div className={css.link}>
        <strong>{email}</strong>
        <CodeToCopy text={invitation.link} label={`Copy the link for ${email}`} />
      </div>
    );
  return (
    <Note tone="good">
      <strong>{email}</strong>: the mail with the link is on its way.
    </Note>
  );
}
