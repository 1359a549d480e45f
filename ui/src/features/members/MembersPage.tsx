import { ActionIcon, Button, Menu, Select, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconAlertTriangle,
  IconCrown,
  IconDots,
  IconHelp,
  IconSearch,
  IconShieldLock,
  IconUserDown,
  IconUserMinus,
  IconUserPlus,
  IconUsers,
  IconUserUp,
} from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { ActionKey, Member, Role } from "@/api/nouns";
import { useMe, useMembers } from "@/api/queries";
import { ExplainDialog, PermissionsDialog } from "@/features/permissions";
import { useWorkspace } from "@/frame/useWorkspace";
import { Chip, Empty, Failed, LoadingRows, More, PageTitle, Panel, PersonAvatar, Table, Time } from "@/kit";
import { ACTIONS, actionOf } from "@/kit/actions";
import { Invitations } from "./Invitations";
import { ChangeRole, InviteDialog, RemoveMember } from "./later";
import css from "./members.module.css";

type Open = { kind: "permissions" | "explain" | "role" | "remove"; member: Member } | null;

export function MembersPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const [search, setSearch] = useState("");
  const [role, setRole] = useState<Role | "all">("all");
  const [action, setAction] = useState<ActionKey | "any">("any");
  const [q] = useDebouncedValue(search, 150);
  const members = useMembers(workspace.slug, { q });
  const [isInviting, setInviting] = useState(false);
  const [open, setOpen] = useState<Open>(null);
  const isFiltered = role !== "all" || action !== "any";
  // What is filtered here has to be here: the rest of the list is fetched before it is said who fits.
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = members;
  useEffect(() => {
    if (isFiltered && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [isFiltered, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const shown = members.items?.filter(
    (member) =>
      (role === "all" || member.role === role) && (action === "any" || member.permissions?.actions.includes(action)),
  );
  const close = () => setOpen(null);
  const me = useMe();
  // A plain member is told the address of nobody but themselves.
  const isMe = (member: Member) => member.account.email !== undefined && member.account.email === me.data?.email;

  return (
    <div className={css.page}>
      <PageTitle
        title="Members"
        sentence={<span className={css.sentence}>Who is in {workspace.name}, and what each may see and do.</span>}
        actions={
          workspace.may.includes("invite") && (
            <Button
              variant="filled"
              leftSection={<IconUserPlus size={16} stroke={1.75} />}
              onClick={() => setInviting(true)}
            >
              Invite Member
            </Button>
          )
        }
      />
      <div className={css.tools}>
        <TextInput
          placeholder={isOwner ? "Name or e-mail address" : "Name"}
          aria-label="Find a member"
          leftSection={<IconSearch size={15} stroke={1.75} />}
          className={css.search ?? ""}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Select
          aria-label="Role"
          data-tool
          className={css.filter ?? ""}
          w={120}
          data={[
            { value: "all", label: "All roles" },
            { value: "owner", label: "Owners" },
            { value: "member", label: "Members" },
          ]}
          value={role}
          onChange={(value) => setRole((value as Role | "all" | null) ?? "all")}
        />
        {isOwner && (
          <Select
            aria-label="Permission"
            data-tool
            className={css.filter ?? ""}
            w={170}
            data={[
              { value: "any", label: "Any permission" },
              ...ACTIONS.map(({ key, label }) => ({ value: key, label })),
            ]}
            value={action}
            onChange={(value) => setAction((value as ActionKey | "any" | null) ?? "any")}
          />
        )}
        <span className={css.total}>
          {shown && !members.hasNextPage && `${shown.length} ${shown.length === 1 ? "member" : "members"}`}
        </span>
      </div>
      {members.error ? (
        <Failed error={members.error} retry={() => void members.refetch()} inline />
      ) : !shown ? (
        <LoadingRows height={52} />
      ) : shown.length === 0 ? (
        <Panel>
          <Empty icon={IconUsers} title="Nobody fits" inline>
            Search for another name, or choose all roles and any permission.
          </Empty>
        </Panel>
      ) : (
        <Panel className={css.list ?? ""}>
          <Table
            label="Members"
            head={
              isOwner ? ["Member", "Role", "May do", "On", "Last seen", ""] : ["Member", "Role", "May do", "On", ""]
            }
          >
            {shown.map((member) => (
              <MemberRow key={member.id} member={member} isOwner={isOwner} isMe={isMe(member)} onOpen={setOpen} />
            ))}
          </Table>
          <More {...members} />
        </Panel>
      )}
      {isOwner && <Invitations workspace={workspace.slug} />}
      {isInviting && <InviteDialog workspace={workspace} onClose={() => setInviting(false)} />}
      {open?.kind === "permissions" && <PermissionsDialog member={open.member} onClose={close} />}
      {open?.kind === "explain" && <ExplainDialog member={open.member} onClose={close} />}
      {open?.kind === "role" && <ChangeRole member={open.member} onClose={close} />}
      {open?.kind === "remove" && <RemoveMember member={open.member} isMe={isMe(open.member)} onClose={close} />}
    </div>
  );
}

function count(number: number, word: string): string | null {
  return number === 0 ? null : `${number} ${word}${number === 1 ? "" : "s"}`;
}

function on(member: Member): string {
  const { projects, instances, servers } = member.permissions ?? { projects: [], instances: [], servers: [] };
  if (projects === null) return "Everything";
  const parts = [
    count(projects?.length ?? 0, "project"),
    count(instances?.length ?? 0, "instance"),
    count(servers?.length ?? 0, "server"),
  ];
  return parts.filter(Boolean).join(", ") || "Nothing";
}

type RowProps = { member: Member; isOwner: boolean; isMe: boolean; onOpen: (open: Open) => void };

function MemberRow({ member, isOwner, isMe, onOpen }: RowProps) {
  const { name, email, email_verified } = member.account;
  const isTheirsOwner = member.role === "owner";
  const mayExplain = isOwner || isMe;
  return (
    <tr>
      <td>
        <div className={css.person}>
          <PersonAvatar name={name} size={30} />
          <div style={{ minWidth: 0 }}>
            <div className={css.name}>
              {name} {isMe && <span style={{ fontWeight: 400, color: "var(--text2)" }}>(you)</span>}
            </div>
            {email && (
              <div className={css.mail} title={email}>
                {email}
                {email_verified === false && " (unverified)"}
              </div>
            )}
          </div>
        </div>
      </td>
      <td data-cell="role">
        <span style={{ display: "inline-flex", gap: 6, alignItems: "center" }}>
          {isTheirsOwner && <IconCrown size={15} stroke={1.75} aria-hidden />}
          {isTheirsOwner ? "Owner" : "Member"}
        </span>
      </td>
      <td data-cell="do">
        <MayDo member={member} {...(isOwner && { onSet: () => onOpen({ kind: "permissions", member }) })} />
      </td>
      <td className={css.dim} data-cell="on">
        {isTheirsOwner ? "Everything" : member.permissions ? on(member) : ""}
      </td>
      {isOwner && (
        <td className={css.dim} data-cell="seen">
          {member.last_seen_at ? <LastSeen at={member.last_seen_at} /> : "Never"}
        </td>
      )}
      <td>
        <div className={css.acts}>
          {isOwner && !isTheirsOwner && (
            <Tooltip label="Permissions">
              <ActionIcon onClick={() => onOpen({ kind: "permissions", member })} aria-label={`Permissions of ${name}`}>
                <IconShieldLock size={17} stroke={1.75} />
              </ActionIcon>
            </Tooltip>
          )}
          {mayExplain && (
            <Menu position="bottom-end" width={200}>
              <Menu.Target>
                <ActionIcon aria-label={`More about ${name}`}>
                  <IconDots size={17} stroke={1.75} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item
                  leftSection={<IconHelp size={16} stroke={1.75} />}
                  onClick={() => onOpen({ kind: "explain", member })}
                >
                  Why?
                </Menu.Item>
                {isOwner && (
                  <Menu.Item
                    leftSection={
                      isTheirsOwner ? <IconUserDown size={16} stroke={1.75} /> : <IconUserUp size={16} stroke={1.75} />
                    }
                    onClick={() => onOpen({ kind: "role", member })}
                  >
                    {isTheirsOwner ? "Make a plain member" : "Make an owner"}
                  </Menu.Item>
                )}
                <Menu.Divider />
                <Menu.Item
                  color="var(--bad)"
                  leftSection={<IconUserMinus size={16} stroke={1.75} />}
                  onClick={() => onOpen({ kind: "remove", member })}
                >
                  {isMe ? "Leave the workspace" : "Remove"}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          )}
        </div>
      </td>
    </tr>
  );
}

const SHOWN = 4;

function MayDo({ member, onSet }: { member: Member; onSet?: () => void }) {
  if (member.role === "owner") return <span className={css.dim}>Everything</span>;
  if (!member.permissions) return null;
  const { actions } = member.permissions;
  const hasNothing = actions.length === 0 && on(member) === "Nothing";
  if (hasNothing)
    return (
      <span className={css.chips}>
        <Chip tone="warn">
          <IconAlertTriangle size={13} stroke={1.75} aria-hidden />
          No access yet
        </Chip>
        {onSet && (
          <Button variant="transparent" onClick={onSet}>
            Set permissions
          </Button>
        )}
      </span>
    );
  if (actions.length === 0) return <span className={css.dim}>Only look</span>;
  const rest = actions.slice(SHOWN).map((key) => actionOf(key)?.label ?? key);
  return (
    <span className={css.chips}>
      {actions.slice(0, SHOWN).map((key) => (
        <Chip key={key}>{actionOf(key)?.label ?? key}</Chip>
      ))}
      {rest.length > 0 && (
        <Tooltip label={rest.join(", ")}>
          <span>
            <Chip>+{rest.length}</Chip>
          </span>
        </Tooltip>
      )}
    </span>
  );
}

function LastSeen({ at }: { at: string }) {
  const isNow = Date.now() - Date.parse(at) < 120_000;
  return (
    <span className={css.seen}>
      {isNow && <span className={css.dot} aria-hidden />}
      <Time at={at} />
    </span>
  );
}
