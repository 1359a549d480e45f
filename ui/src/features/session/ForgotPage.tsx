import { Button, TextInput } from "@mantine/core";
import { Link, useLocation } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { askForReset } from "@/api/generated";
import { isCode, type Problem } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { LoadingPage, Note, useTitle } from "@/kit";
import { Entrance } from "./Entrance";
import css from "./session.module.css";
import { useSendsMail, useWays } from "./useWays";

export function ForgotPage() {
  useTitle("Forgotten password");
  const isAsking = useWays().isPending;
  const sendsMail = useSendsMail();
  // What was typed at the door already, by way of the history alone: an address never stands in one.
  const typed = (useLocation().state as { email?: string }).email;
  const [email, setEmail] = useState(typed ?? "");
  const ask = useMutation<unknown, Problem>({ mutationFn: () => askForReset({ email }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  const back = (
    <p style={{ margin: "20px 0 0" }}>
      <Link to="/login">Back to signing in</Link>
    </p>
  );
  if (ask.isSuccess)
    return (
      <Entrance title="Look into your mailbox">
        <Note tone="good">
          If {email} has an account here, a mail with a link is on its way. The link works once, for an hour.
        </Note>
        <p className={css.lead} style={{ margin: "16px 0 0" }}>
          Nothing there after a few minutes? Look into the folder for unwanted mail, or whether it was another address.
        </p>
        {back}
      </Entrance>
    );
  if (isAsking) return <LoadingPage />;
  if (!sendsMail || isCode(ask.error, "mail_unavailable"))
    return (
      <Entrance title="This installation sends no mail">
        <p className={css.lead}>
          So no link can be sent to you. Whoever runs it can set a new password on its machine. Ask them to run{" "}
          <code>stoa admin reset-password ADDRESS</code> there, with your address.
        </p>
        {back}
      </Entrance>
    );
  return (
    <Entrance title="Forgotten password" lead="A link to set a new one is mailed to you.">
      <form className={css.form} onSubmit={submit} noValidate>
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={ask.error?.field("email")}
        />
        {ask.error && ask.error.errors.length === 0 && <Note tone="bad">{ask.error.detail}</Note>}
        <Button type="submit" variant="filled" data-size="lg" loading={ask.isPending} fullWidth>
          Mail me a link
        </Button>
      </form>
      {back}
    </Entrance>
  );
}
