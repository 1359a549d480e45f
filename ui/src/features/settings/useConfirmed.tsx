// What changes the account asks for the password again, unless it was entered a moment ago: the server says when.

import { Button, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { confirmSession } from "@/api/generated/stoa";
import { isCode, Problem, problemOf } from "@/api/problem";
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

function Ask({ go, giveUp }: Waiting) {
  const [password, setPassword] = useState("");
  const confirm = useMutation<unknown, Problem>({
    mutationFn: () => confirmSession({ password }),
    onSuccess: go,
  });
  return (
    <Dialog
      opened
      onClose={giveUp}
      title="Enter your password"
      sentence="This changes your account. For 10 minutes it isn't asked again."
      onSubmit={() => confirm.mutate()}
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
        {confirm.error && <Note tone="bad">{problemOf(confirm.error).detail}</Note>}
      </div>
    </Dialog>
  );
}
