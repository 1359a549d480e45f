// The states of a view beside its full one: loading, empty, failed, not found, not allowed.

import { Button, Skeleton } from "@mantine/core";
import { IconAlertTriangle, IconCircleDashed, IconEyeOff, IconPlugConnectedX } from "@tabler/icons-react";
import type { ComponentType, ReactNode } from "react";
import { problemOf } from "@/api/problem";
import css from "./kit.module.css";
import { later } from "./later";
import { Panel } from "./Page";
import { Said } from "./Said";
import { useFocusKept } from "./useFocusKept";

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
  useFocusKept(!props.inline);
  return (
    <div className={`${css.state} ${props.inline ? css.inline : ""}`}>
      <span className={css.stateIcon}>
        <Icon size={22} stroke={1.75} aria-hidden />
      </span>
      {props.inline ? <h2 className={css.stateTitle}>{props.title}</h2> : <h1>{props.title}</h1>}
      {props.children && <p>{typeof props.children === "string" ? <Said text={props.children} /> : props.children}</p>}
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

/** What appears after a moment only: what is there by then never shows it. */
export function Soon({ children }: { children: ReactNode }) {
  return <div className={css.loading}>{children}</div>;
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

// What is refused or isn't there is rare: it is loaded when it is shown.
export const NotFound = later(async () => (await import("./NotFound")).NotFound);
export const Forbidden = later(async () => (await import("./Forbidden")).Forbidden);
export const Removed = later(async () => (await import("./Forbidden")).Removed);
const SecondFactorDue = later(async () => (await import("./Forbidden")).SecondFactorDue);

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
  if (problem.code === "second_factor_required" && problem.status === 403) return <SecondFactorDue problem={problem} />;
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
