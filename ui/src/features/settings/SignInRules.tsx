import { Button, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useSecondFactor } from "@/api/accountQueries";
import { ifMatch } from "@/api/client";
import { changeWorkspace, viewSignInRules } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { ConfirmDialog, Note, notice, PageTitle } from "@/kit";
import css from "./settings.module.css";

function whom(without: number, members: number): string {
  if (without === 0) return "Every member has one: nobody is kept out by it.";
  const [who, they] =
    without === 1 ? ["One member has", "For that one"] : [`${without} of ${members} members have`, "For them"];
  return `${who} none. ${they} the workspace closes at once, with all that is open in it, until a second factor is set up.`;
}

/** What a workspace demands of whoever is in it. */
export function SignInRules() {
  const workspace = useWorkspace();
  const [isAsking, setAsking] = useState(false);
  const change = useAct<boolean, Workspace>(workspace.slug, {
    act: (demands) => changeWorkspace(workspace.slug, { requires_second_factor: demands }, ifMatch(workspace.etag)),
    nouns: ["workspace", "audit"],
    onDone: () => {
      setAsking(false);
      void notice("Saved");
    },
  });
  const seen = useQuery({
    queryKey: [workspace.slug, "members", "sign-in"],
    queryFn: ({ signal }) => viewSignInRules(workspace.slug, { signal }),
    enabled: isAsking,
    staleTime: 0,
  });
  const own = useSecondFactor().data;
  const why = useId();
  const hasNone =
    !workspace.requires_second_factor && own !== undefined && own.authenticator_since === null && own.passkeys === 0;
  // How many it keeps out has to be known before, as it is now.
  const count = seen.isSuccess && !seen.isFetching ? seen.data : undefined;
  const missing = change.error?.field("requires_second_factor");
  return (
    <>
      <PageTitle title="Sign-in" sentence="What this workspace demands of its members." />
      <div className={css.form}>
        <Switch
          label="Every member needs a second factor"
          description="Until a member has set one up, the workspace is closed to them: they see nothing of it, what they have open ends at once, and their access tokens don't work in it."
          checked={workspace.requires_second_factor}
          disabled={change.isPending || hasNone}
          aria-describedby={hasNone ? why : undefined}
          onChange={(event) => (event.currentTarget.checked ? setAsking(true) : change.mutate(false))}
        />
        {hasNone && (
          <p id={why} className={css.why}>
            You have no second factor yourself, and would be kept out.{" "}
            <Link to="/$workspace/settings/{-$page}" params={{ workspace: workspace.slug, page: "security" }}>
              Set one up first
            </Link>
          </p>
        )}
        {change.error && !isAsking && (
          <Note tone="bad">
            {change.error.detail}
            {missing && (
              <div style={{ marginTop: 8 }}>
                <Link to="/$workspace/settings/{-$page}" params={{ workspace: workspace.slug, page: "security" }}>
                  Set up a second factor
                </Link>
              </div>
            )}
          </Note>
        )}
      </div>
      <ConfirmDialog
        opened={isAsking}
        onClose={() => setAsking(false)}
        title="Demand a second factor?"
        action="Demand it"
        danger={false}
        busy={change.isPending || seen.isFetching}
        blocked={count ? undefined : "The members who have none aren't counted yet"}
        onConfirm={() => change.mutate(true, { onError: () => setAsking(false) })}
      >
        {count ? (
          whom(count.without_second_factor, count.members)
        ) : seen.error && !seen.isFetching ? (
          <Note tone="bad">
            The members who have none couldn't be counted. {problemOf(seen.error).detail}{" "}
            <Button variant="transparent" onClick={() => void seen.refetch()}>
              Try again
            </Button>
          </Note>
        ) : (
          "Counting the members who have none."
        )}
      </ConfirmDialog>
    </>
  );
}
