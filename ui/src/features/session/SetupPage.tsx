import { Button, TextInput } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { setUp as installing } from "@/api/generated";
import type { Account } from "@/api/nouns";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { LoadingPage, Note, useTitle } from "@/kit";
import { Entrance } from "./Entrance";
import { NewPasswordField } from "./PasswordField";
import css from "./session.module.css";
import { dropSetupToken, takeFromFragment } from "./takeToken";

export function SetupPage() {
  useTitle("Set up");
  const navigate = useNavigate();
  const me = useMe();
  const [token, setToken] = useState(takeFromFragment);
  // A link that is pasted where this page is open already changes nothing but what stands behind #.
  useEffect(() => {
    const hear = () => setToken(takeFromFragment());
    window.addEventListener("hashchange", hear);
    return () => window.removeEventListener("hashchange", hear);
  }, []);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const setUp = useMutation<Account, Problem>({
    mutationFn: () => installing({ token: token ?? "", name, email, password }),
    onSuccess: (account) => {
      dropSetupToken();
      void navigate({ to: "/workspaces", replace: true }).then(() => queryClient.setQueryData(ME, account));
    },
    // Somebody else was first: the page says so.
    onError: (problem) => {
      if (problem.field("token")) dropSetupToken();
      if (isCode(problem, "conflict")) void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    },
  });
  const isOver = Boolean(me.data) || isCode(me.error, "unauthenticated");
  useEffect(() => {
    if (isOver) dropSetupToken();
  }, [isOver]);
  // Whoever comes a second time finds the door that there is now.
  if (isOver)
    return (
      <Entrance
        title="Set up already"
        lead="This installation has its first account. The link that made it works once."
      >
        <Button component={Link} to={me.data ? "/" : "/login"} variant="filled" data-size="lg" fullWidth>
          {me.data ? "My workspaces" : "Sign in"}
        </Button>
      </Entrance>
    );
  if (me.isPending) return <LoadingPage />;
  if (!token)
    return (
      <Entrance
        title="Set up Stoa"
        lead="Open the whole link that Stoa printed when it started: the part behind # is what proves that it's yours."
      >
        {null}
      </Entrance>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setUp.mutate();
  };
  const wrongLink = setUp.error?.field("token");
  const general = setUp.error && setUp.error.errors.length === 0 ? setUp.error : null;
  return (
    <Entrance title="Set up Stoa" lead="Your account is the first, and administers this installation.">
      <form className={css.form} onSubmit={submit} noValidate>
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
        {wrongLink && <Note tone="bad">{wrongLink} Open the newest one: each start prints another.</Note>}
        {general && <Note tone="bad">{general.detail}</Note>}
        <Button type="submit" variant="filled" data-size="lg" loading={setUp.isPending} fullWidth>
          Create the account
        </Button>
      </form>
    </Entrance>
  );
}
