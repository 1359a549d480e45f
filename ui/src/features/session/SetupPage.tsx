import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { setUp as installing } from "@/api/generated";
import type { Account } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { Note, useTitle } from "@/kit";
import { Entrance } from "./Entrance";
import { NewPasswordField } from "./PasswordField";
import css from "./session.module.css";
import { takeFromFragment } from "./takeToken";

export function SetupPage() {
  useTitle("Set up");
  const navigate = useNavigate();
  const [token] = useState(takeFromFragment);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const setUp = useMutation<Account, Problem>({
    mutationFn: () => installing({ token: token ?? "", name, email, password }),
    onSuccess: (account) => {
      queryClient.setQueryData(ME, account);
      void navigate({ to: "/workspaces", replace: true });
    },
  });
  if (!token)
    return (
      <Entrance
        title="Set up Stoa"
        lead="Open the whole link that Stoa printed when it started: the part behind # is what proves that it's yours."
      >
        <div>
          Set up already? <Link to="/login">Sign in</Link>
        </div>
      </Entrance>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUp.mutate();
  };
  const general = setUp.error && setUp.error.errors.length === 0 ? setUp.error : null;
  return (
    <Entrance title="Set up Stoa" lead="Your account is the first, and administers this installation.">
      <form className={css.form} onSubmit={submit}>
        <TextInput
          label="Your name"
          autoComplete="name"
          required
          withAsterisk={false}
          autoFocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={setUp.error?.field("name")}
        />
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={setUp.error?.field("email")}
        />
        <NewPasswordField value={password} onChange={setPassword} error={setUp.error?.field("password")} />
        {general && (
          <Note tone="bad">
            {general.detail}
            {general.status === 409 && (
              <>
                {" "}
                <Link to="/login">Sign in</Link>
              </>
            )}
          </Note>
        )}
        <Button type="submit" variant="filled" data-size="lg" loading={setUp.isPending} fullWidth>
          Create the account
        </Button>
      </form>
    </Entrance>
  );
}
