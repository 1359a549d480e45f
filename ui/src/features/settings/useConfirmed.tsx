// What changes the account asks for the password again, unless it was entered a moment ago: the server says when. An
// account with a second factor shows that too.

import { Button, PasswordInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { beginPasskeyConfirmation, confirmSession } from "@/api/generated";
import { isCode, Problem } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { SecondStep, type Shown } from "@/features/session/SecondStep";
import { Dialog, Note } from "@/kit";

export const GIVEN_UP = "given_up";

type Waiting = { go: () => void; giveUp: () => void };

/** `confirmed(act)` does it, asks for the password when the server wants it, and does it again. Render `dialog`. */
export function useConfirmed(): { confirmed: <T>(act: () => Promise<T>) => Promise<T>; dialog: ReactNode } {
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  async function confirmed<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (failure) {
      if (!isCode(failure, "password_required")) throw failure;
    }
    await new Promise<void>((resolve, reject) => {
      const problem = { status: 0, code: GIVEN_UP, title: "Not done", detail: "The password wasn't entered." };
      setWaiting({ go: resolve, giveUp: () => reject(new Problem(problem)) });
    }).finally(() => setWaiting(null));
    return act();
  }
  return { confirmed, dialog: waiting && <Ask {...waiting} /> };
}

/** What is to be told of a failure: nothing where somebody gave up. */
export function toldOf(problem: Problem | null): Problem | null {
  return problem && problem.code !== GIVEN_UP ? problem : null;
}

const SENTENCE = "This changes your account. For 10 minutes it isn't asked again.";

function Ask({ go, giveUp }: Waiting) {
  const [password, setPassword] = useState("");
  const [ways, setWays] = useState<string[] | null>(null);
  const confirm = useMutation<unknown, Problem, Shown>({
    mutationFn: (shown) => confirmSession({ password, ...shown }),
    onSuccess: go,
    onError: (problem) => {
      if (isCode(problem, "second_factor_required")) setWays((before) => problem.ways ?? before ?? ["code"]);
    },
  });
  const showing = useMutation<Shown, Problem>({
    mutationFn: async () => {
      const { showPasskey } = await import("@/features/session/passkey");
      return { passkey: await showPasskey(await beginPasskeyConfirmation()) };
    },
    onSuccess: (shown) => confirm.mutate(shown),
  });
  if (ways) {
    const wasShown = Boolean(confirm.variables?.code || confirm.variables?.passkey);
    const problem = showing.error ?? (wasShown ? confirm.error : null);
    return (
      <Dialog
        opened
        onClose={giveUp}
        title="Show your second factor"
        sentence={SENTENCE}
        foot={<Button onClick={giveUp}>Cancel</Button>}
      >
        <SecondStep
          ways={ways}
          busy={confirm.isPending || showing.isPending}
          problem={problem?.detail}
          onCode={(code) => confirm.mutate({ code })}
          onPasskey={() => showing.mutate()}
        />
      </Dialog>
    );
  }
  return (
    <Dialog
      opened
      onClose={giveUp}
      title="Enter your password"
      sentence={SENTENCE}
      onSubmit={() => confirm.mutate({})}
      foot={
        <>
          <Button onClick={giveUp}>Cancel</Button>
          <Button type="submit" variant="filled" loading={confirm.isPending}>
            Go on
          </Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 12 }}>
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          withAsterisk={false}
          data-autofocus
        />
        {confirm.error && <Note tone="bad">{confirm.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
