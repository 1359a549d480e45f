import { Switch, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type ChangeAccount, changeAccount } from "@/api/generated";
import type { Account } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { useSendsMail } from "@/features/session/useWays";
import { Note, notice, PageTitle, Unsaved, WaitingButton } from "@/kit";
import { Address } from "./Address";
import { DeleteAccount } from "./DeleteAccount";
import css from "./settings.module.css";

export function Profile() {
  const me = useMe();
  return me.data ? <Form account={me.data} /> : null;
}

function Form({ account }: { account: Account }) {
  const [name, setName] = useState(account.name);
  const sendsMail = useSendsMail();
  const change = useMutation<Account, Problem, ChangeAccount>({
    mutationFn: (body) => changeAccount(body),
    onSuccess: (saved) => {
      queryClient.setQueryData(ME, saved);
      void notice("Saved");
    },
  });
  const isChanged = name.trim() !== account.name;
  const ready = isChanged && name.trim().length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) change.mutate({ name: name.trim() });
  };
  return (
    <>
      <PageTitle title="Profile" sentence="How the members of your workspaces see you." />
      <Unsaved when={isChanged} what="Your name" />
      <form className={css.form} onSubmit={submit}>
        <TextInput
          label="Name"
          autoComplete="name"
          maxLength={80}
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={change.error?.field("name")}
        />
        <Switch
          label="A mail when a deployment, a backup or a restore fails"
          description={
            sendsMail
              ? `Of those that I began and may see, and of all in workspaces that I own.${
                  account.email_verified ? "" : ` They go to ${account.email}, which isn't confirmed yet.`
                }`
              : "This installation sends no mail."
          }
          {...(!sendsMail && { disabled: true })}
          checked={account.mail_on_failure}
          onChange={(event) => change.mutate({ mail_on_failure: event.currentTarget.checked })}
        />
        {change.error && change.error.errors.length === 0 && <Note tone="bad">{change.error.detail}</Note>}
        <div className={css.buttons}>
          <WaitingButton
            type="submit"
            variant="filled"
            why={ready ? undefined : "Change the name first"}
            loading={change.isPending}
          >
            Save
          </WaitingButton>
        </div>
      </form>
      <div className={css.form} style={{ marginTop: 28 }}>
        <Address account={account} />
      </div>
      <div className={css.sections} style={{ marginTop: 40 }}>
        <DeleteAccount account={account} />
      </div>
    </>
  );
}
