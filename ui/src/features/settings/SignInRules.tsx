import { Button, Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
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
  // How many it keeps out has to be known before, as it is now.
  const count = seen.isSuccess && !seen.isFetching ? seen.data : undefined;
  const missing = change.error?.field("requires_second_factor");
  return (
    <>
      <PageTitle title="Sign-in" sentence="What this workspace demands of its members." />
      <div className={css.form}>
        <Switch
          label="Every member needs a second factor"
          description="Whoever has none is led to setting one up, and sees nothing of the workspace before. So do their access tokens. What is open ends at once."
          checked={workspace.requires_second_factor}
          disabled={change.isPending}
          onChange={(event) => (event.currentTarget.checked ? setAsking(true) : change.mutate(false))}
        />
        {change.error && !isAsking && (
          <Note tone="bad">
            {change.error.detail}
            {missing && (
              <div style={{ marginTop: 8 }}>
                <Link to="/account/{-$page}" params={{ page: "security" }}>
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
