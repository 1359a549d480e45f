import { ActionIcon, Button, Menu, Tooltip } from "@mantine/core";
import {
  IconAlertTriangle,
  IconClockHour4,
  IconCrown,
  IconDots,
  IconEye,
  IconHelp,
  IconShieldLock,
  IconUserDown,
  IconUserMinus,
  IconUserUp,
} from "@tabler/icons-react";
import { Fragment, memo, type ReactNode, useEffect, useRef } from "react";
import type { ActionKey, Member, Summary } from "@/api/nouns";
import { viewing } from "@/api/viewing";
import { Chip, Cut, PersonAvatar, Table, Time } from "@/kit";
import { actionOf } from "@/kit/actions";
import { fitting, useRoom } from "./fitting";
import css from "./members.module.css";
import { Unusual } from "./Unusual";

export type Act = "permissions" | "explain" | "role" | "remove" | "view";

type Props = {
  members: Member[];
  isOwner: boolean;
  isMe: (member: Member) => boolean;
  chosen: Map<string, Member>;
  /** Why an address may be unverified here. */
  whyUnverified: string;
  onChoose: (members: Member[], on: boolean) => void;
  onAct: (act: Act, member: Member) => void;
};

/** Who is there, row by row; owners choose some of them, and see what each may do. */
export function MemberTable({ members, isOwner, isMe, chosen, whyUnverified, onChoose, onAct }: Props) {
  const [place, room] = useRoom(members);
  const plain = members.filter(({ role }) => role === "member");
  const count = plain.filter(({ id }) => chosen.has(id)).length;
  const all =
    plain.length === 0 ? (
      <span className="visually-hidden">Choose</span>
    ) : (
      <Box
        label={`Choose all ${plain.length} shown`}
        isOn={count === plain.length}
        isPartly={count > 0 && count < plain.length}
        onChange={(on) => onChoose(plain, on)}
      />
    );
  const head: ReactNode[] = isOwner
    ? [
        all,
        "Member",
        "Role",
        <span key="do" ref={place}>
          May do
        </span>,
        "On",
        "Last seen",
        "",
      ]
    : // What others may do a plain member isn't told; what they may themselves stands above.
      ["Member", "Role", ""];
  return (
    <Table label="Members" head={head} isOwnWidth>
      {members.map((member) => (
        <MemberRow
          key={member.id}
          member={member}
          isOwner={isOwner}
          isMe={isMe(member)}
          isChosen={chosen.has(member.id)}
          room={room}
          whyUnverified={whyUnverified}
          onChoose={onChoose}
          onAct={onAct}
        />
      ))}
    </Table>
  );
}

type BoxProps = {
  label: string;
  isOn: boolean;
  isPartly?: boolean;
  onChange: (on: boolean) => void;
};

/** The browser's own box: there may be hundreds. */
function Box({ label, isOn, isPartly = false, onChange }: BoxProps) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = isPartly;
  }, [isPartly]);
  return (
    <input
      ref={box}
      type="checkbox"
      className={css.box}
      aria-label={label}
      checked={isOn}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

function count(number: number, word: string): string | null {
  return number === 0 ? null : `${number} ${word}${number === 1 ? "" : "s"}`;
}

function on({ projects, instances, servers }: Summary): string[] {
  if (projects === null) return ["Everything"];
  const parts = [count(projects, "project"), count(instances ?? 0, "instance"), count(servers ?? 0, "server")];
  return parts.filter((part) => part !== null);
}

export const hasNone = (summary: Summary) => summary.actions.length === 0 && on(summary).length === 0;

/** What it is about: it breaks between two numbers, and never behind one. */
export function On({ summary }: { summary: Summary }) {
  const parts = on(summary);
  if (parts.length === 0) {
    const words = (
      <>
        <span className={css.wide}>Nothing</span>
        <span className={css.narrow}>Sees nothing</span>
      </>
    );
    if (summary.actions.length === 0) return words;
    // What they may do they may do to nothing.
    return (
      <Chip tone="warn">
        <IconAlertTriangle size={13} stroke={1.75} aria-hidden />
        {words}
        <span className="visually-hidden">: no access yet</span>
      </Chip>
    );
  }
  return parts.map((part, at) => (
    <Fragment key={part}>
      <span className={css.whole}>
        {part}
        {at < parts.length - 1 && ","}
      </span>{" "}
    </Fragment>
  ));
}

const DISABLED = "An administrator of this installation has disabled the account: nobody signs in with it";

type RowProps = {
  member: Member;
  isOwner: boolean;
  isMe: boolean;
  isChosen: boolean;
  /** What a line of actions has, in pixels. */
  room: number;
  whyUnverified: string;
  onChoose: Props["onChoose"];
  onAct: Props["onAct"];
};

// Hundreds of rows: one that hasn't changed isn't drawn again.
const MemberRow = memo(
  function MemberRow({ member, isOwner, isMe, isChosen, room, whyUnverified, onChoose, onAct }: RowProps) {
    const { name, email, email_verified, status } = member.account;
    const isTheirsOwner = member.role === "owner";
    const { summary } = member;
    return (
      <tr data-chosen={isChosen || undefined}>
        {isOwner && (
          <td data-cell="choose">
            {!isTheirsOwner && (
              <Box label={`Choose ${name}`} isOn={isChosen} onChange={(on) => onChoose([member], on)} />
            )}
          </td>
        )}
        <td data-cell="member">
          <div className={css.person}>
            <PersonAvatar name={name} size={30} />
            <div className={css.lines}>
              <div className={css.line}>
                <Cut className={css.name} text={name} /> {isMe && <span className={css.you}>(you)</span>}
                {status === "disabled" && (
                  <span title={DISABLED}>
                    <Chip tone="warn">Disabled</Chip>
                    <span className="visually-hidden">: {DISABLED}</span>
                  </span>
                )}
              </div>
              {email && (
                <div className={`${css.line} ${css.address}`}>
                  <Cut className={css.mail} text={email} at="bottom" />
                  {email_verified === false && (
                    <span title={whyUnverified}>
                      <Chip>Unverified</Chip>
                      <span className="visually-hidden">: {whyUnverified}</span>
                    </span>
                  )}
                  <Unusual email={email} />
                </div>
              )}
            </div>
          </div>
        </td>
        <td data-cell="role">
          <span className={css.role}>
            {isTheirsOwner && <IconCrown size={15} stroke={1.75} aria-hidden />}
            <span>
              {isTheirsOwner ? "Owner" : "Member"}
              {isTheirsOwner && isOwner && <span className={css.narrow}>, may do everything</span>}
            </span>
          </span>
        </td>
        {isOwner && (
          <>
            <td data-cell="do" data-owner={isTheirsOwner || undefined}>
              {isTheirsOwner ? (
                <span className={css.dim}>Everything</span>
              ) : (
                summary && (
                  <MayDo
                    summary={summary}
                    room={room}
                    {...(isOwner && { onSet: () => onAct("permissions", member) })}
                  />
                )
              )}
            </td>
            <td
              className={css.dim}
              data-cell="on"
              data-owner={isTheirsOwner || undefined}
              data-none={(summary && hasNone(summary)) || undefined}
            >
              <span className={css.on} title={summary && !isTheirsOwner ? on(summary).join(", ") : undefined}>
                {isTheirsOwner ? "Everything" : summary && <On summary={summary} />}
              </span>
              {summary?.ends && <EndsSoon ends={summary.ends} />}
            </td>
            <td className={css.dim} data-cell="seen">
              {member.last_seen_at ? <LastSeen at={member.last_seen_at} isOut={status === "disabled"} /> : "Never"}
            </td>
          </>
        )}
        <td data-cell="acts">
          <Acts member={member} isOwner={isOwner} isMe={isMe} onAct={onAct} />
        </td>
      </tr>
    );
  },
  (old, now) =>
    old.member === now.member &&
    old.isOwner === now.isOwner &&
    old.isMe === now.isMe &&
    old.isChosen === now.isChosen &&
    old.room === now.room &&
    old.whyUnverified === now.whyUnverified,
);

type ActsProps = Pick<RowProps, "member" | "isOwner" | "isMe" | "onAct">;

function Acts({ member, isOwner, isMe, onAct }: ActsProps) {
  const { name } = member.account;
  const isTheirsOwner = member.role === "owner";
  if (!isOwner && !isMe) return <div className={css.acts} />;
  return (
    <div className={css.acts}>
      {isOwner && !isTheirsOwner && (
        <ActionIcon
          onClick={() => onAct("permissions", member)}
          aria-label={`Permissions of ${name}`}
          title="Permissions"
          data-framed
        >
          <IconShieldLock size={17} stroke={1.75} />
        </ActionIcon>
      )}
      <More member={member} isOwner={isOwner} isMe={isMe} onAct={onAct} />
    </div>
  );
}

function More({ member, isOwner, isMe, onAct }: ActsProps) {
  const { name } = member.account;
  const isTheirsOwner = member.role === "owner";
  return (
    <Menu position="bottom-end" width={210}>
      <Menu.Target>
        <ActionIcon aria-label={`More about ${name}`}>
          <IconDots size={17} stroke={1.75} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconHelp size={16} stroke={1.75} />} onClick={() => onAct("explain", member)}>
          Why?
        </Menu.Item>
        {isOwner && !isTheirsOwner && (
          <Menu.Item leftSection={<IconEye size={16} stroke={1.75} />} onClick={() => onAct("view", member)}>
            View as this member
          </Menu.Item>
        )}
        {isOwner && (
          <Menu.Item
            leftSection={
              isTheirsOwner ? <IconUserDown size={16} stroke={1.75} /> : <IconUserUp size={16} stroke={1.75} />
            }
            onClick={() => onAct("role", member)}
          >
            {isTheirsOwner ? "Make a plain member" : "Make an owner"}
          </Menu.Item>
        )}
        {!viewing() && (
          <>
            <Menu.Divider />
            <Menu.Item
              color="var(--bad)"
              leftSection={<IconUserMinus size={16} stroke={1.75} />}
              onClick={() => onAct("remove", member)}
            >
              {isMe ? "Leave the workspace" : "Remove"}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** In a row of chips, where one word says it. */
const BRIEFLY: Partial<Record<ActionKey, string>> = { merge_branches: "Merge" };
const SEEN: ActionKey = "view_projects";

/** With `room`, the pixels that a line of them has, as many as stand there whole; else all of them. */
export function MayDo({ summary, room, onSet }: { summary: Summary; room?: number; onSet?: () => void }) {
  const { actions, preset } = summary;
  if (hasNone(summary))
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
  // What is done comes before what is seen.
  const sorted = [...actions].sort((one, other) => Number(one === SEEN) - Number(other === SEEN));
  const labels = sorted.map((key) => actionOf(key)?.label ?? key);
  const chips = sorted.map((key, at) => BRIEFLY[key] ?? labels[at] ?? key);
  const shown = room === undefined ? chips.length : fitting(chips, room);
  const rest = labels.slice(shown);
  return (
    <span className={css.may}>
      {preset && <Cut className={css.preset} text={`${preset.name}${preset.changed ? ", changed" : ""}`} />}
      <span className={css.chips}>
        {chips.slice(0, shown).map((chip) => (
          <Chip key={chip}>{chip}</Chip>
        ))}
        {rest.length > 0 && (
          <Tooltip label={rest.join(", ")} events={{ hover: true, focus: true, touch: true }}>
            <span data-after>
              <Chip>+{rest.length}</Chip>
              <span className="visually-hidden">: {rest.join(", ")}</span>
            </span>
          </Tooltip>
        )}
      </span>
    </span>
  );
}

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const hour = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });
const KINDS = { action: "An action", project: "A project", instance: "An instance", server: "A server" };

function EndsSoon({ ends }: { ends: NonNullable<Summary["ends"]> }) {
  const what = ends.everything
    ? "Everything"
    : ends.action
      ? (actionOf(ends.action)?.label ?? ends.action)
      : KINDS[ends.kind];
  const at = Date.parse(ends.at);
  // Within a day it is the hour that counts.
  const isNear = at - Date.now() < 24 * 3600_000;
  const more = ends.everything ? 0 : ends.count - 1;
  const others = more > 0 ? `, and ${more} more` : "";
  return (
    <span className={css.ends} title={`${what} until ${exact.format(at)}${others && `${others} that end`}`}>
      <IconClockHour4 size={13} stroke={1.75} aria-hidden />
      <span className={css.upto}>
        <span>
          {what} until {(isNear ? hour : day).format(at)}
        </span>
        <span>{others}</span>
      </span>
    </span>
  );
}

/** Whoever can't sign in any more isn't here now, however lately they were. */
function LastSeen({ at, isOut }: { at: string; isOut: boolean }) {
  return (
    <span className={css.seen}>
      <Time at={at} mark={!isOut && <span className={css.dot} aria-hidden />} />
    </span>
  );
}
