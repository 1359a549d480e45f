// The states of a view beside its full one: loading, empty, failed, not found, not allowed.

import { Button, Skeleton } from "@mantine/core";
import {
  IconAlertTriangle,
  IconArrowLeft,
  IconCircleDashed,
  IconDoorExit,
  IconEyeOff,
  IconMapQuestion,
  IconPlugConnectedX,
  IconShieldLock,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ComponentType, ReactNode } from "react";
import { type Problem, problemOf } from "@/api/problem";
import { PersonAvatar } from "./Avatar";
import { actionOf } from "./actions";
import css from "./kit.module.css";
import { Panel, Row } from "./Page";
import { useTitle } from "./useTitle";
import { type About, WhyButton } from "./Why";

type Icon = ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;

export function State(props: {
  icon?: Icon;
  title: string;
  children?: ReactNode;
  below?: ReactNode;
  actions?: ReactNode;
  /** Inside of a panel instead of the whole page. */
  inline?: boolean;
}) {
  const Icon = props.icon ?? IconCircleDashed;
  return (
    <div className={`${css.state} ${props.inline ? css.inline : ""}`}>
      <span className={css.stateIcon}>
        <Icon size={22} stroke={1.75} aria-hidden />
      </span>
      {props.inline ? <h2 className={css.stateTitle}>{props.title}</h2> : <h1>{props.title}</h1>}
      {props.children && <p>{props.children}</p>}
      {props.below}
      {props.actions && <div className={css.stateActions}>{props.actions}</div>}
    </div>
  );
}

/** What this is, and the one thing to do. */
export function Empty(props: {
  icon?: Icon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  inline?: boolean;
}) {
  return (
    <State
      {...(props.icon && { icon: props.icon })}
      title={props.title}
      actions={props.action}
      inline={props.inline ?? false}
    >
      {props.children}
    </State>
  );
}

/** Rows of the final shape. Appears after a moment only. */
export function LoadingRows({ rows = 4, height = 46 }: { rows?: number; height?: number }) {
  return (
    <div className={css.loading} role="status" aria-label="Loading">
      <Panel>
        {Array.from({ length: rows }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
          <div key={index} className={css.row} style={{ minHeight: height }}>
            <Skeleton height={24} width={24} circle animate={false} />
            <Skeleton height={10} width={`${38 - (index % 3) * 7}%`} animate={false} />
          </div>
        ))}
      </Panel>
    </div>
  );
}

export function LoadingPage() {
  return (
    <div className={css.loading} role="status" aria-label="Loading">
      <Skeleton height={22} width={180} mb={10} animate={false} />
      <Skeleton height={12} width={320} mb={28} animate={false} />
      <LoadingRows />
    </div>
  );
}

export function NotFound({ children, home }: { children?: ReactNode; home?: string | undefined }) {
  useTitle("Not found");
  return (
    <State
      icon={IconMapQuestion}
      title="There is nothing here"
      actions={
        <>
          <Button component={Link} to={home ? `/${home}` : "/"} leftSection={<IconArrowLeft size={16} stroke={1.75} />}>
            {home ? "Back to the overview" : "Back to my workspaces"}
          </Button>
          <WhyButton />
        </>
      }
    >
      {children ?? "The address leads to nothing that exists, or to nothing that you may see."}
    </State>
  );
}

type ForbiddenProps = {
  problem?: Problem | undefined;
  action?: string;
  /** "read logs here". */
  what?: string;
  children?: ReactNode;
  back?: { name: string; to: string };
  /** To what it would have been done. */
  about?: About;
};

/** Names the missing permission, by word and key, and who can grant it. */
export function Forbidden({ problem, action, what, children, back, about }: ForbiddenProps) {
  const missing = problem?.missing.length ? problem.missing : action ? [action] : [];
  return (
    <State
      icon={IconShieldLock}
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
              Back to {back.name}
            </Button>
          )}
          {missing.length > 0 && <WhyButton action={actionOf(missing[0] ?? "")?.key} about={about} />}
        </>
      }
      below={
        (missing.length > 0 || Boolean(problem?.ask.length)) && (
          <Panel>
            {missing.map((key) => (
              <Row key={key}>
                <div>
                  <div className={css.small}>Missing permission</div>
                  <span style={{ fontWeight: 500 }}>{actionOf(key)?.label ?? key}</span>{" "}
                  <code className={css.small}>{key}</code>
                </div>
              </Row>
            ))}
            {problem && problem.ask.length > 0 && (
              <Row>
                <div style={{ display: "grid", gap: 8 }}>
                  <div className={css.small}>{missing.length ? "Who can grant it" : "Who the owners are"}</div>
                  {problem.ask.map(({ name }) => (
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

/** What an owner who views as a member isn't shown. */
export function ClosedInView({ inline }: { inline?: boolean }) {
  return (
    <State icon={IconEyeOff} title="Closed while you view as a member" inline={inline ?? false}>
      The contents of logs and files, and what is the member's own, aren't shown. Leave the view to open this as
      yourself.
    </State>
  );
}

/** Whatever a question was answered with: says what, and what next. */
export function Failed(props: { error: unknown; retry?: () => void; inline?: boolean; home?: string | undefined }) {
  const problem = problemOf(props.error);
  if (problem.status === 404) return <NotFound home={props.home} />;
  if (problem.code === "second_factor_required" && problem.status === 403)
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
  if (problem.code === "view_as_read_only") return <ClosedInView inline={props.inline ?? false} />;
  if (problem.status === 403) return <Forbidden problem={problem} />;
  return (
    <State
      icon={problem.status === 0 ? IconPlugConnectedX : IconAlertTriangle}
      title={problem.title}
      inline={props.inline ?? false}
      actions={props.retry && <Button onClick={props.retry}>Try again</Button>}
    >
      {problem.detail}
    </State>
  );
}

export function Removed({ name }: { name: string }) {
  useTitle("No longer a member");
  return (
    <State
      icon={IconDoorExit}
      title={`You are no longer a member of ${name}`}
      actions={
        <Button component={Link} to="/workspaces" leftSection={<IconArrowLeft size={16} stroke={1.75} />}>
          My workspaces
        </Button>
      }
    >
      Your membership ended while this page was open. Nothing of the workspace is shown any more. An owner can invite
      you again.
    </State>
  );
}
