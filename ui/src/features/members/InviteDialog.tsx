import { Button, Textarea } from "@mantine/core";
import { IconCopy } from "@tabler/icons-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { createInvitation } from "@/api/generated";
import type { Invitation, Workspace } from "@/api/nouns";
import { isCode, Problem, problemOf } from "@/api/problem";
import { refresh } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { CodeToCopy, copyText, Dialog, Note, useUnsaved, WaitingButton } from "@/kit";
import { addressesIn } from "./addresses";
import css from "./members.module.css";
import { soFar } from "./soFar";
import { Unusual } from "./Unusual";

type Outcome = { email: string; invitation?: Invitation; problem?: Problem };

/** Longest wait, in seconds, for the server to take more: the limit of a minute is waited out, that of a day isn't. */
const PATIENCE = 90;
const LONGEST_MESSAGE = 1000;
/** Whoever hasn't been invited yet when it is stopped isn't. */
const STOPPED = new Problem({
  status: 0,
  code: "given_up",
  title: "Not invited",
  detail: "Not invited: it was stopped before.",
});

/** One or more addresses; each is said for itself what became of it. */
export function InviteDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const [text, setText] = useState("");
  const [message, setMessage] = useState("");
  const [progress, setProgress] = useState("");
  // Whom an earlier round has invited: their links are shown this once.
  const [invited, setInvited] = useState<Outcome[]>([]);
  const isWanted = useRef(true);
  const waited = useRef(() => {});
  const stop = useCallback(() => {
    isWanted.current = false;
    waited.current();
  }, []);
  useEffect(() => {
    isWanted.current = true;
    return stop;
  }, [stop]);
  const addresses = addressesIn(text);
  const field = useRef<HTMLTextAreaElement>(null);
  const done = useRef<HTMLButtonElement>(null);
  const one = async (email: string, done: string): Promise<Outcome> => {
    for (;;) {
      try {
        const body = { email, ...(message.trim() && { message }) };
        return { email, invitation: await createInvitation(workspace.slug, body) };
      } catch (failure) {
        const problem = problemOf(failure);
        const wait = isCode(problem, "too_many_requests") ? problem.retryAfter : null;
        if (wait === null || wait > PATIENCE || !isWanted.current) return { email, problem };
        setProgress(`${done} done. The server takes more in ${wait} s`);
        await new Promise<void>((go) => {
          waited.current = go;
          setTimeout(go, wait * 1000);
        });
        if (!isWanted.current) return { email, problem };
      }
    }
  };
  const invite = useMutation<Outcome[]>({
    mutationFn: async () => {
      const outcomes: Outcome[] = [];
      isWanted.current = true;
      for (const email of addresses) {
        setProgress(`${outcomes.length + 1} of ${addresses.length}`);
        const done = `${outcomes.length} of ${addresses.length}`;
        outcomes.push(isWanted.current ? await one(email, done) : { email, problem: STOPPED });
      }
      return outcomes;
    },
    onSettled: () => void refresh(workspace.slug, "invitations"),
  });
  const outcomes = invite.data && [...invited, ...invite.data];
  // What had the focus goes when what became of it is told, and again when that is corrected.
  const isTold = outcomes !== undefined;
  const wasTold = useRef(false);
  useEffect(() => {
    if (isTold) done.current?.focus();
    else if (wasTold.current) field.current?.focus();
    wasTold.current = isTold;
  }, [isTold]);
  const links = (outcomes ?? invited).filter(({ invitation }) => invitation?.link).length;
  const isTyped = !outcomes && text.trim() !== "";
  const { leave, question } = useUnsaved(
    isTyped || links > 0,
    links > 0
      ? {
          title: links === 1 ? "Leave without the link?" : "Leave without the links?",
          sentence: `${links === 1 ? "It is" : "They are"} shown this once. Copy what you need first.`,
          discard: "Leave",
        }
      : { title: "Discard what you typed?", sentence: soFar(invited.length), discard: "Discard" },
  );
  const once = links > 0 && (
    <>
      <Note tone="warn">
        This installation has no mail server, so{" "}
        {links === 1
          ? "the link is yours to pass on. It is shown this once."
          : "the links are yours to pass on. They are shown this once."}
      </Note>
      {links > 1 && <CopyAll made={outcomes ?? invited} />}
    </>
  );
  if (outcomes) {
    const failed = outcomes.filter(({ problem }) => problem);
    const again = () => {
      setInvited(outcomes.filter(({ invitation }) => invitation));
      setText(failed.map(({ email }) => email).join("\n"));
      invite.reset();
    };
    return (
      <Dialog
        opened
        onClose={onClose}
        size={560}
        onlyByButton={links > 0}
        title={toldOf(outcomes.length - failed.length, failed.length)}
        foot={
          <>
            {failed.length > 0 && <Button onClick={again}>Correct what failed</Button>}
            <Button ref={done} variant="filled" onClick={onClose}>
              Done
            </Button>
          </>
        }
      >
        <div style={{ display: "grid", gap: 12 }}>
          {failed.map((outcome) => (
            <Told key={outcome.email} {...outcome} />
          ))}
          {once}
          {outcomes
            .filter(({ problem }) => !problem)
            .map((outcome) => (
              <Told key={outcome.email} {...outcome} />
            ))}
          {question}
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      opened
      onClose={() => leave(onClose)}
      onlyByButton={invite.isPending || links > 0}
      title="Invite Member"
      sentence={`They join ${workspace.name} without permissions. You choose afterwards what they may see and do.`}
      onSubmit={() => addresses.length > 0 && !invite.isPending && invite.mutate()}
      foot={
        <>
          {invite.isPending && addresses.length > 1 && (
            <span role="status" className={`${css.progress} numbers`}>
              {progress}
            </span>
          )}
          {invite.isPending ? (
            <Button onClick={stop}>Stop</Button>
          ) : (
            <Button onClick={onClose}>{invited.length > 0 ? "Done" : "Cancel"}</Button>
          )}
          <WaitingButton
            type="submit"
            variant="filled"
            loading={invite.isPending}
            why={addresses.length ? undefined : "Give an e-mail address first"}
          >
            {addresses.length > 1 ? `Invite ${addresses.length} people` : "Invite"}
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        {once}
        {invited.map((outcome) => (
          <Told key={outcome.email} {...outcome} />
        ))}
        <Textarea
          ref={field}
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

/** All links at once, each beside whom it is for. */
function CopyAll({ made }: { made: Outcome[] }) {
  const box = useRef<HTMLDivElement>(null);
  const [isCopied, setCopied] = useState<boolean | null>(null);
  const lines = made.flatMap(({ email, invitation }) => (invitation?.link ? [`${email} ${invitation.link}`] : []));
  const copy = async () => {
    // Only for the moment in which it is copied: each link stands below already.
    const all = document.createElement("pre");
    all.className = "visually-hidden";
    all.textContent = lines.join("\n");
    box.current?.append(all);
    setCopied(await copyText(all));
    all.remove();
  };
  return (
    <div ref={box} className={css.copyAll}>
      <Button leftSection={<IconCopy size={16} stroke={1.75} aria-hidden />} onClick={() => void copy()}>
        Copy all {lines.length} links
      </Button>
      <span role="status">
        {isCopied === true && "Copied, each beside its address."}
        {isCopied === false && "The browser refused it: copy them one by one."}
      </span>
    </div>
  );
}

function Told({ email, invitation, problem }: Outcome) {
  if (problem)
    return (
      <Note tone="bad">
        <strong>{email}</strong>: {problem.detail} <Unusual email={email} />
      </Note>
    );
  if (invitation?.link)
    return (
      <div className={css.link}>
        <span>
          <strong>{email}</strong> <Unusual email={email} />
        </span>
        <CodeToCopy text={invitation.link} label={`Copy the link for ${email}`} />
      </div>
    );
  return (
    <Note tone="good">
      <strong>{email}</strong>: the mail with the link is on its way. <Unusual email={email} />
    </Note>
  );
}
