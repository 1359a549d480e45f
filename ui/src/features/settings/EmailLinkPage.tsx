import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { confirmEmail, viewEmailLink } from "@/api/generated";
import type { Account } from "@/api/nouns";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { Alone } from "@/features/session/Alone";
import { SignInScreen } from "@/features/session/SignIn";
import { forgetToken, useLinkToken } from "@/features/session/useLinkToken";
import { Failed, LoadingPage, useTitle } from "@/kit";

const HERE = "/account/email";

/** Where a mailed link to change or confirm the address leads: it counts for the account that asked for it. */
export function EmailLinkPage() {
  useTitle("Confirm an address");
  const token = useLinkToken(HERE);
  const me = useMe();
  const confirm = useMutation<Account, Problem>({
    mutationFn: () => confirmEmail({ token: token ?? "" }),
    onSuccess: (account) => {
      forgetToken(HERE);
      queryClient.setQueryData(ME, account);
      // What ended with it isn't shown any more.
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === ME[0] && queryKey.length > 1 });
    },
  });
  const link = useQuery({
    queryKey: ["email-link", token],
    queryFn: ({ signal }) => viewEmailLink(token ?? "", { signal }),
    enabled: Boolean(token) && Boolean(me.data) && !me.error && !confirm.data,
    gcTime: 0,
    retry: false,
  });
  if (isCode(me.error, "unauthenticated")) return <SignInScreen />;
  const problem = confirm.error ?? (link.error as Problem | null);
  const on = (
    <Button component={Link} to="/account/profile" data-size="lg" fullWidth>
      My profile
    </Button>
  );
  if (confirm.data)
    return (
      <Alone title="The address is confirmed" actions={on}>
        Your account is known by {confirm.data.email}.
        {link.data?.is_first_proof &&
          " Access tokens, passkeys, the authenticator app and other sessions that were made before have ended."}
      </Alone>
    );
  if (!token)
    return (
      <Alone title="Open the link in the mail again" actions={on}>
        Its secret isn't kept when the page is loaded anew.
      </Alone>
    );
  if (isCode(problem, "not_found"))
    return (
      <Alone title="This link doesn't work any more" actions={on}>
        It works once, for 24 hours, and a newer one ends it. Ask for another under Profile.
      </Alone>
    );
  if (isCode(problem, "wrong_account"))
    return (
      <Alone title="This link is for another account" actions={on}>
        You are signed in as {me.data?.email}. Sign out, and sign in to the account that asked for the link.
      </Alone>
    );
  if (link.error && !link.data) return <Failed error={link.error} retry={() => void link.refetch()} />;
  if (problem)
    return (
      <Alone
        title="The address isn't confirmed"
        actions={
          <>
            <Button
              variant="filled"
              data-size="lg"
              fullWidth
              loading={confirm.isPending}
              onClick={() => confirm.mutate()}
            >
              Try again
            </Button>
            {on}
          </>
        }
      >
        {problem.detail}
      </Alone>
    );
  if (!link.data) return <LoadingPage />;
  const { email, is_first_proof } = link.data;
  return (
    <Alone
      title={`Confirm ${email}?`}
      actions={
        <>
          <Button
            variant="filled"
            data-size="lg"
            fullWidth
            loading={confirm.isPending}
            onClick={() => confirm.mutate()}
            autoFocus
          >
            Confirm the address
          </Button>
          <Button component={Link} to="/account/profile" data-size="lg" fullWidth>
            Not now
          </Button>
        </>
      }
    >
      You are signed in as {me.data?.name}.{" "}
      {email === me.data?.email ? "It is your account's address." : "It becomes your account's address."}
      {is_first_proof &&
        " Nobody has shown before that the account's address is theirs: access tokens, passkeys, the authenticator app and other sessions that were made before end with it."}
    </Alone>
  );
}
