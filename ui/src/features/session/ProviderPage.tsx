import { Button } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import {
  beginPasskeyAfterProvider,
  comeBackFromProvider,
  type ProviderAnswer,
  type SessionAnswer,
  showFactorAfterProvider,
} from "@/api/generated";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { LoadingPage, notice, useTitle } from "@/kit";
import { Alone } from "./Alone";
import { Entrance } from "./Entrance";
import { cameFrom, hasLeft } from "./leave";
import { SecondStep, type Shown } from "./SecondStep";

type Brought = { code: string; state: string } | { error: string };

/** What the provider sent along, taken out of the address at once. */
function take(): Brought {
  const query = new URLSearchParams(location.search);
  history.replaceState(history.state, "", location.pathname);
  const [code, state] = [query.get("code"), query.get("state")];
  if (code && state) return { code, state };
  return { error: query.get("error") ?? "" };
}

export function ProviderPage() {
  useTitle("Sign in");
  const navigate = useNavigate();
  const [brought] = useState(take);
  const [ways, setWays] = useState<string[] | null>(null);
  const [isInvited] = useState(() => hasLeft("/join"));
  const goOn = () => void navigate({ href: cameFrom(), replace: true });
  const back = useMutation<ProviderAnswer, Problem, { code: string; state: string }>({
    mutationFn: (sent) => comeBackFromProvider(sent),
    onSuccess: async ({ account }) => {
      if (account) queryClient.setQueryData(ME, account);
      else {
        await queryClient.invalidateQueries({ queryKey: [...ME, "identity"] });
        void notice("Your account is linked");
      }
      goOn();
    },
    onError: (problem) => {
      if (isCode(problem, "second_factor_required")) setWays(problem.ways ?? ["code"]);
    },
  });
  const show = useMutation<SessionAnswer, Problem, Shown>({
    mutationFn: (shown) => showFactorAfterProvider(shown),
    onSuccess: ({ account }) => {
      queryClient.setQueryData(ME, account);
      goOn();
    },
  });
  const passkey = useMutation<Shown, Problem>({
    mutationFn: async () => {
      const { showPasskey } = await import("./passkey");
      return { passkey: await showPasskey(await beginPasskeyAfterProvider()) };
    },
    onSuccess: (shown) => show.mutate(shown),
  });
  const isSent = useRef(false);
  useEffect(() => {
    if (isSent.current || "error" in brought) return;
    isSent.current = true;
    back.mutate(brought);
  }, [back, brought]);

  const again = isInvited ? (
    <Button onClick={goOn}>Back to the invitation</Button>
  ) : (
    <Button component={Link} to="/login">
      Back to signing in
    </Button>
  );
  if ("error" in brought)
    return (
      <Alone title="You weren't signed in" actions={again}>
        {brought.error === "access_denied"
          ? "The provider says that you, or it, refused."
          : "The provider didn't say who you are. Begin again."}
      </Alone>
    );
  if (ways)
    return (
      <Entrance title="Sign in" lead="The provider knows you. Your account here asks for its second factor too.">
        <SecondStep
          ways={ways}
          busy={show.isPending || passkey.isPending}
          problem={(passkey.error ?? show.error)?.detail}
          onCode={(code) => show.mutate({ code })}
          onPasskey={() => passkey.mutate()}
          isLarge
        />
      </Entrance>
    );
  if (back.error)
    return (
      <Alone title="You weren't signed in" actions={again}>
        {back.error.detail}
      </Alone>
    );
  return <LoadingPage />;
}
