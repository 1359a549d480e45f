import { Switch } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ifMatch } from "@/api/client";
import { changeWorkspace } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Note, notice, PageTitle } from "@/kit";
import css from "./settings.module.css";

/** What a workspace demands of whoever is in it. */
export function SignInRules() {
  const workspace = useWorkspace();
  const change = useAct<boolean, Workspace>(workspace.slug, {
    act: (demands) => changeWorkspace(workspace.slug, { requires_second_factor: demands }, ifMatch(workspace.etag)),
    nouns: ["workspace", "audit"],
    onDone: () => void notice("Saved"),
  });
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
          onChange={(event) => change.mutate(event.currentTarget.checked)}
        />
        {change.error && (
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
    </>
  );
}
