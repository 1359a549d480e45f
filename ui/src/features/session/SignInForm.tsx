import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { signIn } from "@/api/generated/stoa";
import type { Account } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { Note } from "@/kit";
import css from "./session.module.css";

/** With `email`, only for that address. */
export function SignInForm({ email: fixed, onDone }: { email?: string; onDone?: () => void }) {
  const [email, setEmail] = useState(fixed ?? "");
  const [password, setPassword] = useState("");
  const entering = useMutation<{ account: Account }, Problem>({
    mutationFn: () => signIn({ email, password }),
    onSuccess: ({ account }) => {
      onDone?.();
      queryClient.setQueryData(ME, account);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate();
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
      {entering.error && <Note tone="bad">{entering.error.detail}</Note>}
      <Button type="submit" variant="filled" data-size="lg" loading={entering.isPending} fullWidth>
        Sign in
      </Button>
    </form>
  );
}
