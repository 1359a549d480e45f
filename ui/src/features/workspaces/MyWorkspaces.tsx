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
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { all } from "@/api/client";
import { listWorkspaces, type WorkspaceCounts } from "@/api/generated";
import type { MyWorkspace } from "@/api/nouns";
import { ME, meOptions } from "@/api/queries";
import { OfAdministrators } from "@/frame/OfAdministrators";
import { Shell } from "@/frame/Shell";
import { useLast } from "@/frame/useLast";
import { useMine } from "@/frame/useMine";
import { Empty, EmptyPage, PageTitle, Panel, WhyButton, WorkspaceLogo } from "@/kit";
import { dress } from "@/theme/look";
import { CreateWorkspaceDialog, LeaveDialog } from "./later";
import css from "./workspaces.module.css";

/** The front door: to the workspace that was open last, else to the list. */
export function HomePage() {
  const found = useLast();
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
  // No events tell of those that were made elsewhere: whoever comes back to the tab sees them.
  const me = useQuery({ ...meOptions, refetchOnWindowFocus: "always" });
  const [search, setSearch] = useState("");
  const [isCreating, setCreating] = useState(false);
  const [leaving, setLeaving] = useState<MyWorkspace | null>(null);
  const { all: mine, shown, isSearching } = useMine(search);
  const counts = useCounts();
  const mayCreate = me.data?.may_create_workspaces ?? false;
  const create = mayCreate && (
    <Button variant="filled" leftSection={<IconPlus size={16} stroke={1.75} />} onClick={() => setCreating(true)}>
      Create Workspace
    </Button>
  );
  return (
    <OfAdministrators what="create workspaces">
      <PageTitle
        title="Workspaces"
        sentence={
          <>
            The workspaces you are in. Each has its own servers, projects, members and look.
            {!mayCreate && (
              <>
                {" Only administrators of this installation create workspaces. "}
                <WhyButton size="compact-xs" />
              </>
            )}
          </>
        }
        actions={mine.length > 0 && create}
      />
      {mine.length === 0 ? (
        <EmptyPage title="You are in no workspace yet" action={create}>
          A workspace is what a team shares: servers, projects, instances and members.{" "}
          {mayCreate ? "Create one, or ask its owner to invite you." : "Ask its owner to invite you."}
        </EmptyPage>
      ) : (
        <>
          {mine.length >= MANY && (
            <TextInput
              className={css.find ?? ""}
              placeholder="Name or slug"
              aria-label="Find a workspace"
              leftSection={<IconSearch size={15} stroke={1.75} />}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
          )}
          <Panel className={css.mine ?? ""}>
            {shown.map((workspace) => (
              <MyRow
                key={workspace.id}
                workspace={workspace}
                counts={counts?.get(workspace.id)}
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
    </OfAdministrators>
  );
}

const OF_OWNERS = [
  { to: "settings/general", word: "General", Icon: IconAdjustmentsHorizontal },
  { to: "members", word: "Members", Icon: IconUsers },
  { to: "settings/appearance", word: "Appearance", Icon: IconPalette },
  { to: "settings/ai", word: "AI", Icon: IconSparkles },
];

/** How much there is in each of one's workspaces, by its id: as far as one may see it, and where it is told. */
function useCounts(): Map<string, WorkspaceCounts> | undefined {
  return useQuery({
    queryKey: [...ME, "workspaces", "counts"],
    queryFn: async ({ signal }) => {
      const listed = await all((query) => listWorkspaces(query, { signal }));
      return new Map(listed.flatMap(({ id, counts }) => (counts ? [[id, counts] as const] : [])));
    },
    // No events are heard of those that aren't open.
    staleTime: 0,
    refetchOnWindowFocus: "always",
  }).data;
}

const several = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;

type RowProps = {
  workspace: MyWorkspace;
  counts: WorkspaceCounts | undefined;
  isOpen: boolean;
  onLeave: () => void;
};

function MyRow(props: RowProps) {
  const { workspace, counts } = props;
  const isOwner = workspace.role === "owner";
  return (
    <div className={css.row}>
      <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={40} of={workspace.primary_color} />
      <div className={css.names}>
        <div className={css.name} title={workspace.name}>
          {workspace.name}
        </div>
        <code className={css.path}>/{workspace.slug}</code>
      </div>
      <div className={css.role}>
        {isOwner && <IconCrown size={15} stroke={1.75} aria-hidden />}
        {isOwner ? "Owner" : "Member"}
      </div>
      <div className={css.counts}>
        <span>{counts && several(counts.members, "member")}</span>
        <span>
          {counts &&
            [counts.projects !== null && several(counts.projects, "project"), several(counts.instances, "instance")]
              .filter(Boolean)
              .join(", ")}
        </span>
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
