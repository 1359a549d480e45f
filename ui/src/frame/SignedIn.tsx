// The gate before every page that needs an account. Whoever isn't signed in signs in at the same address, and goes on.

import { Outlet } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { isCode } from "@/api/problem";
import { queryClient, useMe } from "@/api/queries";
import { endView, viewing } from "@/api/viewing";
import { Failed, LoadingPage, Soon, State } from "@/kit";
import { later } from "@/kit/later";
import { Shell } from "./Shell";

const SignIn = later(async () => (await import("@/features/session/SignIn")).SignInScreen);

export function SignedIn() {
  const me = useMe();
  const wasSignedIn = useRef(false);
  const isOut = isCode(me.error, "unauthenticated");
  if (me.data && !me.error) wasSignedIn.current = true;

  useEffect(() => {
    if (!isOut) return;
    // Whoever signs in now is themselves.
    if (viewing()) endView();
    // Nothing that was seen while signed in stays in memory.
    queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== "me" || query.queryKey.length > 1 });
  }, [isOut]);

  if (isOut) return <SignIn ended={wasSignedIn.current} />;
  if (isCode(me.error, "setup_needed"))
    return (
      <State title="Stoa waits for its first account">
        Open the set-up link that Stoa printed when it started. It works once, and makes the administrator's account.
      </State>
    );
  if (me.error && !me.data) return <Failed error={me.error} retry={() => void me.refetch()} />;
  if (!me.data)
    return (
      <Soon>
        <Shell workspace={null} isLoading>
          <LoadingPage />
        </Shell>
      </Soon>
    );
  return <Outlet />;
}
