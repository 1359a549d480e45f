// What one isn't let into: the permission that is missing, who can grant it, and how to ask them.

import { Button, Skeleton } from "@mantine/core";
import { IconArrowLeft, IconCheck, IconCopy, IconDoorExit, IconShieldLock } from "@tabler/icons-react";
import { skipToken, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useContext, useRef, useState } from "react";
import { type Gone, goneKey } from "@/api/events";
import { useOwners } from "@/api/memberQueries";
import type { Problem } from "@/api/problem";
import { useMe } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { PersonAvatar } from "./Avatar";
import { actionOf } from "./actions";
import { Cut } from "./Cut";
import { copyText } from "./copyText";
import css from "./kit.module.css";
import { Panel, Row } from "./Page";
import { State } from "./States";
import { useTitle } from "./useTitle";
import { type About, WhyButton } from "./Why";
import { WorkspaceContext } from "./workspaceContext";

type ForbiddenProps = {
  problem?: Problem | undefined;
  action?: string;
  /** "read logs here". */
  what?: string;
  children?: ReactNode;
  back?: { name: string; to: string };
  /** To what it would have been done. */
  about?: About;
  /** Inside of a dialog instead of the whole page. */
  inline?: boolean;
};

/** Names the missing permission, by word and key, and who can grant it. */
export function Forbidden({ problem, action, what, children, back, about, inline }: ForbiddenProps) {
  const missing = problem?.missing.length ? problem.missing : action ? [action] : [];
  const workspace = useContext(WorkspaceContext);
  const told = problem?.ask.map(({ name }) => name) ?? [];
  // Where nothing was asked that the server could refuse, the list of members says who the owners are.
  const listed = useOwners(
    workspace?.slug ?? "",
    workspace !== null && told.length === 0 && (missing.length > 0 || !problem),
  );
  const isOfOwners = missing.length === 0 && (!problem || problem.code === "owner_required");
  const owners = told.length > 0 ? told : (listed.names ?? []);
  return (
    <State
      icon={IconShieldLock}
      inline={inline ?? false}
      title={
        what
          ? `You may not ${what}`
          : problem?.code === "owner_required"
            ? "Only owners may open this"
            : "You may not open this"
      }
      actions={
        <>
          {back && (
            <Button component={Link} to={back.to} leftSection={<IconArrowLeft size={16} stroke={1.75} />}>
              <Cut text={`Back to ${back.name}`} />
            </Button>
          )}
          {(missing.length > 0 || isOfOwners || problem?.code === "administrator_required") && (
            <WhyButton action={isOfOwners ? "manage" : actionOf(missing[0] ?? "")?.key} about={about} />
          )}
          {missing.length > 0 && workspace && !viewing() && (
            <CopyRequest workspace={workspace} missing={missing} {...(about && { about })} />
          )}
        </>
      }
      below={
        (missing.length > 0 || owners.length > 0) && (
          <Panel>
            {missing.map((key) => (
              <Row key={key}>
                <div>
                  <div className={css.small}>Missing permission</div>
                  <span style={{ fontWeight: 500 }}>{actionOf(key)?.label ?? key}</span>{" "}
                  <code className={css.small} style={{ marginLeft: 4 }}>
                    {key}
                  </code>
                </div>
              </Row>
            ))}
            {(owners.length > 0 || listed.isLoading) && (
              <Row>
                <div style={{ display: "grid", gap: 8 }}>
                  <div className={css.small}>{missing.length ? "Who can grant it" : "Who the owners are"}</div>
                  {owners.length === 0 && <Skeleton height={24} width={160} animate={false} />}
                  {owners.map((name) => (
                    <div key={name} style={{ display: "flex", gap: 8, alignItems: "center" }}>
                      <PersonAvatar name={name} size={24} />
                      <span style={{ fontWeight: 500 }}>{name}</span>
                      <span style={{ color: "var(--text3)" }}>Owner</span>
                    </div>
                  ))}
                </div>
              </Row>
            )}
          </Panel>
        )
      }
    >
      {children ?? problem?.detail ?? "Your permissions in this workspace don't include this. Ask an owner."}
    </State>
  );
}

type RequestProps = { workspace: { slug: string; name: string }; missing: string[]; about?: About };

/** A sentence to send to an owner, with the address where it is granted. */
function CopyRequest({ workspace, missing, about }: RequestProps) {
  const me = useMe();
  const text = useRef<HTMLSpanElement>(null);
  const [isCopied, setCopied] = useState<boolean | null>(null);
  const labels = missing.map((key) => actionOf(key)?.label ?? key).join(", ");
  const words = isCopied === null ? "Copy a request" : isCopied ? "Copied" : "Selected: copy it with Ctrl C";
  return (
    <>
      <Button
        variant="subtle"
        leftSection={
          isCopied ? (
            <IconCheck size={16} stroke={1.75} aria-hidden />
          ) : (
            <IconCopy size={16} stroke={1.75} aria-hidden />
          )
        }
        onClick={async () => text.current && setCopied(await copyText(text.current))}
      >
        {words}
      </Button>
      <span ref={text} className="visually-hidden" aria-hidden>
        {`${me.data?.name ?? "I"} would like the permission ${labels}${about ? ` for ${about.name}` : ""} in ${workspace.name}. Owners grant it under Members: ${location.origin}/${workspace.slug}/members`}
      </span>
    </>
  );
}

/** The workspace demands a second factor, which this account doesn't have yet. */
export function SecondFactorDue({ problem }: { problem: Problem }) {
  return (
    <State
      icon={IconShieldLock}
      title={problem.title}
      actions={
        <Button component={Link} to="/account/security" variant="filled">
          Set up a second factor
        </Button>
      }
    >
      {problem.detail}
    </State>
  );
}

const GONE: Record<Gone | "unknown", { tab: string; title: (name: string) => string; sentence: string }> = {
  deleted: {
    tab: "Deleted",
    title: (name) => `${name} was deleted`,
    sentence: "That was done while this page was open. Nothing of the workspace is left to show.",
  },
  left: {
    tab: "Left",
    title: (name) => `You left ${name}`,
    sentence: "Nothing of it is shown any more. To come back you need a new invitation.",
  },
  unknown: {
    tab: "Not open any more",
    title: (name) => `${name} isn't open to you any more`,
    sentence:
      "While this page was open, your membership ended or the workspace was deleted. Nothing of it is shown any more. If it is still there, an owner can invite you again.",
  },
};

/** What was open under a slug, and isn't any more: that it was deleted or left is known to the browser that did it. */
export function Removed({ name, slug }: { name: string; slug: string }) {
  const how = useQuery<Gone>({ queryKey: goneKey(slug), queryFn: skipToken }).data;
  const words = GONE[how ?? "unknown"];
  useTitle(words.tab);
  return (
    <State
      icon={IconDoorExit}
      title={words.title(name)}
      actions={
        <Button component={Link} to="/workspaces" leftSection={<IconArrowLeft size={16} stroke={1.75} />}>
          My workspaces
        </Button>
      }
    >
      {words.sentence}
    </State>
  );
}
