import { Button } from "@mantine/core";
import { IconCrown, IconPlus } from "@tabler/icons-react";
import { Link, Navigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useMe } from "@/api/queries";
import { Shell } from "@/frame/Shell";
import { EmptyPage, PageTitle, Panel, WorkspaceLogo } from "@/kit";
import { dress } from "@/theme/look";
import { CreateWorkspaceDialog } from "./later";
import css from "./workspaces.module.css";

function lastWorkspace(): string | null {
  try {
    return localStorage.getItem("stoa-last-workspace");
  } catch {
    return null;
  }
}

/** The front door: to the workspace that was open last, else to the list. */
export function HomePage() {
  const me = useMe();
  const mine = me.data?.workspaces ?? [];
  const last = lastWorkspace();
  const found = mine.find(({ slug }) => slug === last) ?? (mine.length === 1 ? mine[0] : undefined);
  if (found) return <Navigate to="/$workspace" params={{ workspace: found.slug }} replace />;
  return <Navigate to="/workspaces" replace />;
}

export function MyWorkspacesPage() {
  useEffect(() => dress(null), []);
  return (
    <Shell workspace={null}>
      <MyWorkspaces />
    </Shell>
  );
}

/** The same list inside of a workspace's settings and outside of any. */
export function MyWorkspaces({ open }: { open?: string }) {
  const me = useMe();
  const [isCreating, setCreating] = useState(false);
  const mine = me.data?.workspaces ?? [];
  const create = (
    <Button variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />} onClick={() => setCreating(true)}>
      Create Workspace
    </Button>
  );
  return (
    <>
      <PageTitle
        title="Workspaces"
        sentence="The workspaces you are in. Each has its own servers, projects, members and look."
        actions={mine.length > 0 && create}
      />
      {mine.length === 0 ? (
        <EmptyPage title="You are in no workspace yet" action={create}>
          A workspace is what a team shares: servers, projects, instances and members. Create one, or ask its owner to
          invite you.
        </EmptyPage>
      ) : (
        <Panel>
          {mine.map((workspace) => (
            <div key={workspace.id} className={css.row}>
              <WorkspaceLogo
                name={workspace.name}
                url={workspace.logo_url}
                size={40}
                color="var(--quiet)"
                label="var(--surface)"
              />
              <div style={{ minWidth: 0 }}>
                <div className={css.name}>{workspace.name}</div>
                <code className={css.path}>/{workspace.slug}</code>
              </div>
              <div className={css.role} style={{ display: "flex", gap: 6, alignItems: "center" }}>
                {workspace.role === "owner" && <IconCrown size={15} stroke={1.75} aria-hidden />}
                {workspace.role === "owner" ? "Owner" : "Member"}
              </div>
              <div style={{ display: "flex", gap: 8 }}>
                {workspace.role === "owner" && (
                  <Button component={Link} to={`/${workspace.slug}/settings/general`} variant="subtle" data-size="xs">
                    Settings
                  </Button>
                )}
                {workspace.slug === open ? (
                  <span style={{ alignSelf: "center", color: "var(--text3)" }}>Open now</span>
                ) : (
                  <Button component={Link} to={`/${workspace.slug}`} data-size="xs">
                    Open
                  </Button>
                )}
              </div>
            </div>
          ))}
        </Panel>
      )}
      {isCreating && <CreateWorkspaceDialog opened onClose={() => setCreating(false)} />}
    </>
  );
}
