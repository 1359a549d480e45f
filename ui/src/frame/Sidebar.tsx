import { ActionIcon, Menu, Popover, Skeleton } from "@mantine/core";
import {
  IconDotsVertical,
  IconLayoutGrid,
  IconLogout,
  IconSelector,
  IconShieldCog,
  IconUserCircle,
  IconX,
} from "@tabler/icons-react";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { MyWorkspace, Workspace } from "@/api/nouns";
import { useCount, useMe } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { CreateWorkspaceDialog } from "@/features/workspaces/later";
import { PersonAvatar, WorkspaceLogo } from "@/kit/Avatar";
import { later } from "@/kit/later";
import css from "./frame.module.css";
import { samePlaceIn } from "./places";
import { sectionsOf } from "./sections";
import { useSignOut } from "./useSignOut";

const WorkspaceChoice = later(async () => (await import("./WorkspaceChoice")).WorkspaceChoice);

type Props = {
  workspace: Workspace | null;
  soon: MyWorkspace | undefined;
  isLoading: boolean;
  onClose: () => void;
};

export function Sidebar(props: Props) {
  const { workspace } = props;
  return (
    <>
      <div className={css.top}>
        <Switcher workspace={workspace ?? props.soon ?? null} isLoading={props.isLoading} />
        <ActionIcon className={css.drawer ?? ""} onClick={props.onClose} aria-label="Close the menu" mr={8}>
          <IconX size={18} stroke={1.75} />
        </ActionIcon>
      </div>
      <div className={css.items}>
        {workspace &&
          sectionsOf(workspace).map(({ to, word, Icon, counted }) => (
            <Link
              key={to}
              to={["", workspace.slug, to].filter((part, at) => part || at === 0).join("/")}
              className={css.item}
              activeOptions={{ exact: to === "" }}
            >
              <Icon size={17} stroke={1.75} aria-hidden />
              {word}
              {counted && <Count workspace={workspace.slug} list={counted} />}
            </Link>
          ))}
        {props.isLoading &&
          [64, 52, 60, 50, 58].map((width) => (
            <div key={width} className={css.item}>
              <Skeleton height={10} width={width + 40} animate={false} />
            </div>
          ))}
      </div>
      {viewing() ? <Viewed /> : <AccountMenu workspace={workspace} />}
    </>
  );
}

function Count({ workspace, list }: { workspace: string; list: "projects" | "instances" | "servers" | "members" }) {
  return <span className={`${css.count} numbers`}>{useCount(workspace, list)}</span>;
}

function Switcher({ workspace, isLoading }: { workspace: MyWorkspace | null; isLoading: boolean }) {
  const me = useMe();
  const navigate = useNavigate();
  const location = useLocation();
  const [isOpen, setOpen] = useState(false);
  const [isCreating, setCreating] = useState(false);
  const isClosed = viewing() !== null;
  const change = (to: MyWorkspace) => {
    setOpen(false);
    void navigate({ to: samePlaceIn(to.slug, workspace ? location.pathname : "") });
  };
  const create = () => {
    setOpen(false);
    setCreating(true);
  };
  return (
    <>
      <Popover position="bottom-start" width={280} opened={isOpen} onChange={setOpen} trapFocus returnFocus>
        <Popover.Target>
          <button
            type="button"
            className={css.switcher}
            disabled={isClosed}
            title={isClosed ? "Leave the view to change the workspace" : undefined}
            onClick={() => setOpen(!isOpen)}
          >
            {workspace ? (
              <WorkspaceLogo name={workspace.name} url={workspace.logo_url} />
            ) : (
              <WorkspaceLogo name="Stoa" />
            )}
            <span className={css.names}>
              <span className={css.name} title={workspace?.name}>
                {workspace?.name ?? (isLoading ? "…" : "Stoa")}
              </span>
              <span className={css.under}>
                {workspace
                  ? workspace.role === "owner"
                    ? "Owner"
                    : "Member"
                  : isClosed || isLoading
                    ? ""
                    : "Choose a workspace"}
              </span>
            </span>
            {!isClosed && (
              <>
                <span className="visually-hidden">, change the workspace</span>
                <IconSelector size={16} stroke={1.75} aria-hidden />
              </>
            )}
          </button>
        </Popover.Target>
        <Popover.Dropdown p={4} aria-label="Workspaces">
          <WorkspaceChoice
            open={workspace}
            onChoose={change}
            onCreate={me.data?.may_create_workspaces ? create : undefined}
          />
        </Popover.Dropdown>
      </Popover>
      {isCreating && <CreateWorkspaceDialog opened onClose={() => setCreating(false)} />}
    </>
  );
}

/** In the place of one's own account, which isn't to be mistaken for the member's. */
function Viewed() {
  const name = viewing()?.name ?? "";
  return (
    <div className={`${css.foot} ${css.viewed}`}>
      <PersonAvatar name={name} />
      <span className={css.names}>
        <span className={`${css.name} ${css.mine}`} title={name}>
          {name}
        </span>
        <span className={css.under}>as you view it</span>
      </span>
    </div>
  );
}

function AccountMenu({ workspace }: { workspace: Workspace | null }) {
  const me = useMe();
  const signOut = useSignOut();
  if (!me.data) return null;
  const base = workspace ? `/${workspace.slug}/settings` : "/account";
  return (
    <Menu position="top-start" width={224}>
      <Menu.Target>
        <button type="button" className={css.foot}>
          <PersonAvatar name={me.data.name} />
          <span className={css.names}>
            <span className={`${css.name} ${css.mine}`} title={me.data.name}>
              {me.data.name}
            </span>
            <span className={css.under} title={me.data.email}>
              {me.data.email}
            </span>
          </span>
          <span className="visually-hidden">, my account</span>
          <IconDotsVertical size={16} stroke={1.75} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to={`${base}/profile`} leftSection={<IconUserCircle size={16} stroke={1.75} />}>
          Account
        </Menu.Item>
        <Menu.Item component={Link} to={`${base}/workspaces`} leftSection={<IconLayoutGrid size={16} stroke={1.75} />}>
          My workspaces
        </Menu.Item>
        {me.data.is_admin && (
          <Menu.Item component={Link} to="/administration" leftSection={<IconShieldCog size={16} stroke={1.75} />}>
            Administration
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} stroke={1.75} />} onClick={signOut}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
