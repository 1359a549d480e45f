import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { confirmEmail } from "@/api/generated";
import type { Account } from "@/api/nouns";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { Alone } from "@/features/session/Alone";
import { forgetToken, useLinkToken } from "@/features/session/useLinkToken";
import { useTitle } from "@/kit";

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
    },
  });
  const on = (
    <Button component={Link} to="/account/profile">
      My profile
    </Button>
  );
  if (confirm.data)
    return (
      <Alone title="The address is confirmed" actions={on}>
        Your account is known by {confirm.data.email}.
      </Alone>
    );
  if (!token)
    return (
      <Alone title="Open the link in the mail again" actions={on}>
        Its secret isn't kept when the page is loaded anew.
      </Alone>
    );
  if (isCode(confirm.error, "not_found"))
    return (
      <Alone title="This link doesn't work any more" actions={on}>
        It works once, for 24 hours, and a newer one ends it. Ask for another under Profile.
      </Alone>
    );
  if (isCode(confirm.error, "wrong_account"))
    return (
      <Alone title="This link is for another account" actions={on}>
        You are signed in as {me.data?.email}. Sign out, and sign in to the account that asked for the link.
      </Alone>
    );
  return (
    <Alone
      title="Confirm this address?"
      actions={
        <Button variant="filled" loading={confirm.isPending} onClick={() => confirm.mutate()} autoFocus>
          Confirm the address
        </Button>
      }
    >
      {confirm.error?.detail ??
        `You are signed in as ${me.data?.name}. The address that the mail went to becomes yours.`}
    </Alone>
  );
}
