import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { askForEmail, takeEmailBack, viewPendingEmail } from "@/api/generated";
import type { Account } from "@/api/nouns";
import { type Problem, problemOf } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { useSendsMail } from "@/features/session/useWays";
import { Chip, Dialog, Note, Time, WaitingButton } from "@/kit";
import css from "./settings.module.css";
import { toldOf, useConfirmed } from "./useConfirmed";

const PENDING = [...ME, "email"] as const;
const refreshPending = () => queryClient.invalidateQueries({ queryKey: PENDING });

/** The account's address, whether it is proved, and how it becomes another one. */
export function Address({ account }: { account: Account }) {
  const { confirmed, dialog } = useConfirmed();
  const [isChanging, setChanging] = useState(false);
  const ask = useMutation<unknown, Problem, string>({
    mutationFn: (email) => confirmed(() => askForEmail({ email })),
    onSuccess: () => {
      setChanging(false);
      return refreshPending();
    },
  });
  const asked = useQuery({
    queryKey: PENDING,
    queryFn: ({ signal }) => viewPendingEmail({ signal }),
    // The link in the mail opens beside this page, which nothing tells of it.
    refetchOnWindowFocus: "always",
  });
  const pending = asked.data?.pending;
  const waited = useRef(pending);
  useEffect(() => {
    if (waited.current && !pending) void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    waited.current = pending;
  }, [pending]);
  const takeBack = useMutation<unknown, Problem>({
    mutationFn: () => takeEmailBack(),
    onSuccess: () => {
      ask.reset();
      return refreshPending();
    },
  });
  const sendsMail = useSendsMail();
  const problem = toldOf(ask.error);
  const failed = takeBack.error ?? (isChanging ? null : problem);
  return (
    <div>
      <div style={{ marginBottom: 6, fontWeight: 500 }}>E-mail address</div>
      <div className={css.address}>
        <span className={css.strong}>{account.email}</span>
        <Chip tone={account.email_verified ? "good" : "warn"}>
          {account.email_verified ? "Verified" : "Unverified"}
        </Chip>
        {sendsMail && (
          <Button
            onClick={() => {
              ask.reset();
              setChanging(true);
            }}
          >
            Change
          </Button>
        )}
      </div>
      {!sendsMail && (
        <div className={css.small} style={{ marginTop: 8 }}>
          {account.is_admin ? (
            <>
              This installation sends no mail, so an address can be neither confirmed nor changed until mail is set up.
              Set <code>STOA_SMTP_URL</code> for the server, and start Stoa again.
            </>
          ) : (
            "This installation sends no mail, so an address can be neither confirmed nor changed until whoever runs it sets mail up."
          )}
        </div>
      )}
      {sendsMail && !account.email_verified && asked.data && !pending && (
        <div style={{ marginTop: 10 }}>
          <Note tone="warn">
            Nothing was sent to this address yet that proves it yours. Confirm it, so that a forgotten password can be
            set anew. Access tokens, passkeys, the authenticator app and other sessions that were made before end with
            it: make them after.
            <div style={{ marginTop: 8 }}>
              <Button loading={ask.isPending && !isChanging} onClick={() => ask.mutate(account.email)}>
                Confirm this address
              </Button>
            </div>
          </Note>
        </div>
      )}
      {pending && (
        <div style={{ marginTop: 10 }}>
          <Note tone="good">
            A mail is on its way to {pending.email}. Follow its link while you are signed in here. It ends{" "}
            <Time at={pending.expires_at} />. Until it is followed, your address stays as it is.
            <div style={{ marginTop: 8 }}>
              <Button loading={takeBack.isPending} onClick={() => takeBack.mutate()}>
                Take it back
              </Button>
            </div>
          </Note>
        </div>
      )}
      {asked.isLoadingError && (
        <div style={{ marginTop: 10 }}>
          <Note tone="bad">
            Whether a mail is on its way isn't known. {problemOf(asked.error).detail}{" "}
            <Button variant="transparent" onClick={() => void asked.refetch()}>
              Try again
            </Button>
          </Note>
        </div>
      )}
      {failed && (
        <div style={{ marginTop: 10 }}>
          <Note tone="bad">{failed.detail}</Note>
        </div>
      )}
      {isChanging && (
        <Change
          problem={problem}
          busy={ask.isPending}
          onClose={() => setChanging(false)}
          onAsk={(email) => ask.mutate(email)}
        />
      )}
      {dialog}
    </div>
  );
}

type ChangeProps = {
  problem: Problem | null;
  busy: boolean;
  onClose: () => void;
  onAsk: (email: string) => void;
};

function Change({ problem, busy, onClose, onAsk }: ChangeProps) {
  const [email, setEmail] = useState("");
  const ready = email.trim().length > 0;
  return (
    <Dialog
      opened
      onClose={onClose}
      title="Change the address"
      sentence="A mail goes to the new one. It becomes yours when you follow the link in it."
      onSubmit={() => ready && onAsk(email.trim())}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            loading={busy}
            why={ready ? undefined : "Enter the new address first"}
          >
            Mail the link
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 12 }}>
        <TextInput
          label="New e-mail address"
          type="email"
          autoComplete="email"
          required
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={problem?.field("email")}
          data-autofocus
        />
        {problem && problem.errors.length === 0 && <Note tone="bad">{problem.detail}</Note>}
      </div>
    </Dialog>
  );
}
