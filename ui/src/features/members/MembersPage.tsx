import { Button, Select } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { IconShieldLock, IconUserPlus, IconUsers, IconWand, IconX } from "@tabler/icons-react";
import { skipToken, useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { removedKey } from "@/api/events";
import type { ListMembersParams } from "@/api/generated";
import { useMembers } from "@/api/memberQueries";
import type { Member } from "@/api/nouns";
import { useCount, useMe } from "@/api/queries";
import { viewAs, viewing } from "@/api/viewing";
import { ExplainDialog, PermissionsDialog, PresetsDialog, SeveralDialog } from "@/features/permissions";
import { useSendsMail } from "@/features/session/useWays";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, Failed, LoadingRows, PageTitle, Panel, SearchField, useFilters, usePhone } from "@/kit";
import { ACTIONS } from "@/kit/actions";
import { Invitations } from "./Invitations";
import { ChangeRole, InviteDialog, RemoveMember } from "./later";
import { type Act, MemberTable } from "./MemberTable";
import css from "./members.module.css";
import { OwnAccess } from "./OwnAccess";
import { stillPlain } from "./stillPlain";

type Filter = "q" | "role" | "action";
const OF_OWNER: Filter[] = ["q", "role", "action"];
/** What others may do is for owners to ask. */
const OF_MEMBER: Filter[] = ["q", "role"];

type Open = { kind: Act; member: Member } | null;

const UNVERIFIED = "Whoever has this account hasn't shown that the address is theirs";
const UNVERIFIABLE = `${UNVERIFIED}: that can be done once this installation sends mail`;

/** As many as one write may name. */
const MOST = 500;

export function MembersPage() {
  const workspace = useWorkspace();
  const phone = usePhone();
  const isOwner = workspace.may.includes("manage");
  const { filters, change } = useFilters(isOwner ? OF_OWNER : OF_MEMBER);
  const members = useMembers(workspace.slug, { brief: true, ...(filters as ListMembersParams) });
  const all = useCount(workspace.slug, "members");
  const [marked, setMarked] = useState<Map<string, Member>>(new Map());
  const [isInviting, setInviting] = useState(false);
  const [isManaging, setManaging] = useState(false);
  const [isSetting, setSetting] = useState(false);
  const [open, setOpen] = useState<Open>(null);
  const table = useRef<HTMLDivElement>(null);
  const close = () => setOpen(null);
  const me = useMe();
  const sendsMail = useSendsMail();
  const isMe = (member: Member) =>
    viewing()
      ? member.id === viewing()?.member
      : // A plain member is told the address of nobody but themselves.
        member.account.email !== undefined && member.account.email === me.data?.email;
  const shown = members.items;
  const action = filters.action ?? "";
  const isNarrowed = filters.role !== "" || action !== "";
  const isFiltered = filters.q !== "" || isNarrowed;
  const act = (kind: Act, member: Member) => {
    if (kind === "view") viewAs({ member: member.id, name: member.account.name, workspace: workspace.slug });
    else setOpen({ kind, member });
  };
  const chosen = useStillPlain(workspace.slug, marked, shown);
  const drop = useCallback(
    (ids: string[]) => setMarked((old) => new Map([...old].filter(([id]) => !ids.includes(id)))),
    [],
  );
  const choose = (ones: Member[], on: boolean) =>
    setMarked((old) => {
      const next = new Map(old);
      for (const one of ones) {
        if (!on) next.delete(one.id);
        else if (next.size < MOST) next.set(one.id, one);
      }
      return next;
    });
  const found = shown && !members.hasNextPage ? `${shown.length}` : isFiltered ? null : all;
  const total = found ? `${found} ${found === "1" ? "member" : "members"}` : "";

  return (
    <div className={css.page}>
      <PageTitle
        title="Members"
        sentence={phone ? total : `Who is in ${workspace.name}${isOwner ? ", and what each may see and do" : ""}.`}
        actions={
          <>
            {isOwner && (
              <Button leftSection={<IconWand size={16} stroke={1.75} />} onClick={() => setManaging(true)}>
                Presets
              </Button>
            )}
            {workspace.may.includes("invite") && (
              <Button
                // One thing to do at a time: while members are chosen, what is set for them.
                variant={chosen.size > 0 ? "default" : "filled"}
                leftSection={<IconUserPlus size={16} stroke={1.75} />}
                onClick={() => setInviting(true)}
                aria-label="Invite Member"
              >
                {phone ? "Invite" : "Invite Member"}
              </Button>
            )}
          </>
        }
      />
      <div className={css.tools}>
        <SearchField
          placeholder={isOwner ? "Name or e-mail address" : "Name"}
          aria-label="Find a member"
          className={css.search ?? ""}
          value={filters.q}
          onChange={(q) => change({ q })}
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
          value={filters.role || "all"}
          onChange={(value) => change({ role: value === "all" ? "" : (value ?? "") })}
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
            value={action || "any"}
            onChange={(value) => change({ action: value === "any" ? "" : (value ?? "") })}
          />
        )}
        <span className={css.total}>{total}</span>
      </div>
      {!isOwner && <OwnAccess permissions={workspace.permissions} />}
      {chosen.size > 0 && (
        <div className={css.chosen} role="status">
          <span>
            {chosen.size} {found && found !== `${chosen.size}` && `of ${found} `}
            {!phone && ((found ?? `${chosen.size}`) === "1" ? "member " : "members ")}chosen
          </span>
          <Button
            variant="filled"
            leftSection={<IconShieldLock size={16} stroke={1.75} />}
            onClick={() => setSetting(true)}
          >
            {phone
              ? "Set permissions"
              : `Set permissions for ${chosen.size} ${chosen.size === 1 ? "member" : "members"}`}
          </Button>
          <Button variant="subtle" leftSection={<IconX size={15} stroke={1.75} />} onClick={() => setMarked(new Map())}>
            {phone ? "None" : "Choose none"}
          </Button>
        </div>
      )}
      {members.error ? (
        <Failed error={members.error} retry={() => void members.refetch()} inline />
      ) : !shown ? (
        <LoadingRows height={52} rows={8} />
      ) : shown.length === 0 ? (
        <Panel>
          <Empty icon={IconUsers} title="No member fits" inline>
            Search for another name, or choose all roles and any permission.
          </Empty>
        </Panel>
      ) : (
        <div ref={table} className={css.room} data-owner={isOwner || undefined}>
          <Panel className={css.list ?? ""}>
            <MemberTable
              members={shown}
              isOwner={isOwner}
              isMe={isMe}
              chosen={chosen}
              whyUnverified={sendsMail ? UNVERIFIED : UNVERIFIABLE}
              onChoose={choose}
              onAct={act}
            />
            <Rest {...members} />
          </Panel>
        </div>
      )}
      {/* Who is only invited has no role and no permission yet. */}
      {isOwner && !isNarrowed && <Invitations workspace={workspace.slug} search={filters.q} />}
      {isInviting && <InviteDialog workspace={workspace} onClose={() => setInviting(false)} />}
      {isManaging && <PresetsDialog onClose={() => setManaging(false)} />}
      {isSetting && (
        <SeveralDialog
          members={[...chosen.values()]}
          onGone={drop}
          onClose={() => setSetting(false)}
          onDone={() => {
            setSetting(false);
            setMarked(new Map());
            // What opened it goes with the choice.
            setTimeout(() => {
              // As cards they have no titles that one could see the focus in.
              const isTable = (table.current?.querySelector("thead")?.clientWidth ?? 0) > 1;
              table.current?.querySelector<HTMLElement>(isTable ? "input" : "tbody input")?.focus();
            });
          }}
        />
      )}
      {open?.kind === "permissions" && <PermissionsDialog member={open.member} onClose={close} />}
      {open?.kind === "explain" && <ExplainDialog member={open.member} onClose={close} />}
      {open?.kind === "role" && <ChangeRole member={open.member} isMe={isMe(open.member)} onClose={close} />}
      {open?.kind === "remove" && <RemoveMember member={open.member} isMe={isMe(open.member)} onClose={close} />}
    </div>
  );
}

/** Of those who were chosen, those who are plain members still. */
function useStillPlain(slug: string, marked: Map<string, Member>, shown: Member[] | undefined): Map<string, Member> {
  const removed = useQuery<string[]>({ queryKey: removedKey(slug), queryFn: skipToken }).data;
  return useMemo(() => stillPlain(marked, removed ?? [], shown ?? []), [marked, removed, shown]);
}

/** The rest of the list comes as its end comes into view. */
function Rest(props: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }) {
  const { ref, entry } = useIntersection({ rootMargin: "600px" });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = props;
  const isNear = entry?.isIntersecting ?? false;
  useEffect(() => {
    if (isNear && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [isNear, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (!hasNextPage) return null;
  return (
    <div ref={ref} className={css.rest}>
      <Button variant="subtle" loading={isFetchingNextPage} onClick={() => fetchNextPage()}>
        Show more
      </Button>
    </div>
  );
}
