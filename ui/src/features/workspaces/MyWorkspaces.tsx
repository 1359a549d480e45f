import { ActionIcon, Button, Menu, TextInput } from "@mantine/core";
import {
  IconAdjustmentsHorizontal,
  IconCrown,
  IconDoorExit,
  IconDots,
  IconPalette,
  IconPlus,
  IconSearch,
  IconSparkles,
  IconTrash,
  IconUsers,
} from "@tabler/icons-react";
import { Link, Navigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { MyWorkspace } from "@/api/nouns";
import { useMe } from "@/api/queries";
import { Shell } from "@/frame/Shell";
import { useMine } from "@/frame/useMine";
import { Empty, EmptyPage, PageTitle, Panel, WorkspaceLogo } from "@/kit";
import { dress } from "@/theme/look";
import { CreateWorkspaceDialog, LeaveDialog } from "./later";
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

/** A search is worth its room from so many on. */
const MANY = 8;

/** The same list inside of a workspace's settings and outside of any. */
export function MyWorkspaces({ open }: { open?: string }) {
  const me = useMe();
  const [search, setSearch] = useState("");
  const [isCreating, setCreating] = useState(false);
  const [leaving, setLeaving] = useState<MyWorkspace | null>(null);
  const { all, shown, isSearching } = useMine(search);
  const mayCreate = me.data?.may_create_workspaces ?? false;
  const create = mayCreate && (
    <Button variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />} onClick={() => setCreating(true)}>
      Create Workspace
    </Button>
  );
  return (
    <>
      <PageTitle
        title="Workspaces"
        sentence={
          <>
            The workspaces you are in. Each has its own servers, projects, members and look.
            {!mayCreate && " Only administrators of this installation create workspaces."}
          </>
        }
        actions={all.length > 0 && create}
      />
      {all.length === 0 ? (
        <EmptyPage title="You are in no workspace yet" action={create}>
          A workspace is what a team shares: servers, projects, instances and members.{" "}
          {mayCreate ? "Create one, or ask its owner to invite you." : "Ask its owner to invite you."}
        </EmptyPage>
      ) : (
        <>
          {all.length >= MANY && (
            <TextInput
              className={css.find ?? ""}
              placeholder="Name or slug"
              aria-label="Find a workspace"
              leftSection={<IconSearch size={15} stroke={1.75} />}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
          )}
          <Panel>
            {shown.map((workspace) => (
              <MyRow
                key={workspace.id}
                workspace={workspace}
                isOpen={workspace.slug === open}
                onLeave={() => setLeaving(workspace)}
              />
            ))}
            {shown.length === 0 && (
              <Empty icon={IconSearch} title={isSearching ? "Looking" : "No workspace fits"} inline>
                Search for another name or slug.
              </Empty>
            )}
          </Panel>
        </>
      )}
      {isCreating && <CreateWorkspaceDialog opened onClose={() => setCreating(false)} />}
      {leaving && <LeaveDialog workspace={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}

const OF_OWNERS = [
  { to: "settings/general", word: "General", Icon: IconAdjustmentsHorizontal },
  { to: "members", word: "Members", Icon: IconUsers },
  { to: "settings/appearance", word: "Appearance", Icon: IconPalette },
  { to: "settings/ai", word: "AI", Icon: IconSparkles },
];

function MyRow(props: { workspace: MyWorkspace; isOpen: boolean; onLeave: () => void }) {
  const { workspace } = props;
  const isOwner = workspace.role === "owner";
  return (
    <div className={css.row}>
      <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={40} of={workspace.primary_color} />
      <div style={{ minWidth: 0 }}>
        <div className={css.name}>{workspace.name}</div>
        <code className={css.path}>/{workspace.slug}</code>
      </div>
      <div className={css.role} style={{ display: "flex", gap: 6, alignItems: "center" }}>
        {isOwner && <IconCrown size={15} stroke={1.75} aria-hidden />}
        {isOwner ? "Owner" : "Member"}
      </div>
      <div className={css.acts}>
        {props.isOpen ? (
          <span className={css.open}>Open now</span>
        ) : (
          <Button component={Link} to={`/${workspace.slug}`} data-size="xs" aria-label={`Open ${workspace.name}`}>
            Open
          </Button>
        )}
        <Menu position="bottom-end" width={200}>
          <Menu.Target>
            <ActionIcon aria-label={`More about ${workspace.name}`}>
              <IconDots size={17} stroke={1.75} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {isOwner &&
              OF_OWNERS.map(({ to, word, Icon }) => (
                <Menu.Item
                  key={to}
                  component={Link}
                  to={`/${workspace.slug}/${to}`}
                  leftSection={<Icon size={16} stroke={1.75} />}
                >
                  {word}
                </Menu.Item>
              ))}
            {isOwner && <Menu.Divider />}
            <Menu.Item leftSection={<IconDoorExit size={16} stroke={1.75} />} onClick={props.onLeave}>
              Leave
            </Menu.Item>
            {isOwner && (
              <Menu.Item
                component={Link}
                to={`/${workspace.slug}/settings/danger`}
                color="var(--bad)"
                leftSection={<IconTrash size={16} stroke={1.75} />}
              >
                Delete
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </div>
    </div>
  );
}
