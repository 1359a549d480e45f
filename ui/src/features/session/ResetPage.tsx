import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { resetPassword, viewReset } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { Failed, LoadingPage, Note, useTitle } from "@/kit";
import { Alone } from "./Alone";
import { Entrance } from "./Entrance";
import { NewPasswordField } from "./PasswordField";
import css from "./session.module.css";
import { forgetToken, useLinkToken } from "./useLinkToken";

const HERE = "/reset";

export function ResetPage() {
  useTitle("New password");
  const token = useLinkToken(HERE);
  const link = useQuery({
    queryKey: ["reset", token],
    queryFn: ({ signal }) => viewReset(token ?? "", { signal }),
    enabled: Boolean(token),
    gcTime: 0,
  });
  const again = (
    <Button component={Link} to="/login/forgot" variant="filled" data-size="lg" fullWidth>
      Ask for a new link
    </Button>
  );
  if (!token)
    return (
      <Alone title="Open the link in the mail again" actions={again}>
        Its secret isn't kept when the page is loaded anew.
      </Alone>
    );
  const problem = link.error as Problem | null;
  if (problem?.status === 404)
    return (
      <Alone title="This link doesn't work any more" actions={again}>
        It works once, for an hour. A newer link, or a changed password, ends it too.
      </Alone>
    );
  if (problem) return <Failed error={problem} retry={() => void link.refetch()} />;
  if (!link.data) return <LoadingPage />;
  return <Form token={token} email={link.data.email} />;
}

function Form({ token, email }: { token: string; email: string }) {
  const [password, setPassword] = useState("");
  const reset = useMutation<unknown, Problem>({
    mutationFn: () => resetPassword(token, { password }),
    onSuccess: () => {
      forgetToken(HERE);
      // Every session ended with it, this browser's too.
      void queryClient.resetQueries({ queryKey: ME });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    reset.mutate();
  };
  if (reset.isSuccess)
    return (
      <Entrance title="The password is set">
        <div className={css.form}>
          <Note tone="good">You were signed out everywhere, and your access tokens were deleted.</Note>
          <Button component={Link} to="/login" variant="filled" data-size="lg" fullWidth>
            Sign in
          </Button>
        </div>
      </Entrance>
    );
  const general = reset.error && reset.error.errors.length === 0 ? reset.error : null;
  return (
    <Entrance
      title="Set a new password"
      lead={`For ${email}. It signs the account out everywhere, and deletes its access tokens.`}
    >
      <form className={css.form} onSubmit={submit} noValidate>
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        <NewPasswordField
          label="New password"
          value={password}
          onChange={setPassword}
          error={reset.error?.field("password")}
        />
        {general && (
          <Note tone="bad">
            {general.status === 404 ? "This link doesn't work any more. Ask for a new one." : general.detail}
          </Note>
        )}
        <Button type="submit" variant="filled" data-size="lg" loading={reset.isPending} fullWidth>
          Set the password
        </Button>
      </form>
    </Entrance>
  );
}
