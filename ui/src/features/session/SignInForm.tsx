import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "@/api/client";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import type { Account } from "@/api/types";
import { Note } from "@/kit";
import css from "./session.module.css";

/** With `email`, only for that address. */
export function SignInForm({ email: fixed, onDone }: { email?: string; onDone?: () => void }) {
  const [email, setEmail] = useState(fixed ?? "");
  const [password, setPassword] = useState("");
  const signIn = useMutation<{ account: Account }, Problem>({
    mutationFn: () => send<{ account: Account }>("POST", "/session", { body: { email, password } }),
    onSuccess: ({ account }) => {
      onDone?.();
      queryClient.setQueryData(ME, account);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  return (
    <form className={css.form} onSubmit={submit}>
      <TextInput
        label="E-mail address"
        type="email"
        autoComplete="username"
        required
        withAsterisk={false}
        readOnly={Boolean(fixed)}
        autoFocus={!fixed}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        autoFocus={Boolean(fixed)}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {signIn.error && <Note tone="bad">{signIn.error.detail}</Note>}
      <Button type="submit" variant="filled" data-size="lg" loading={signIn.isPending} fullWidth>
        Sign in
      </Button>
    </form>
  );
}
