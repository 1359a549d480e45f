// Statuses and stages: an icon and a word, never a colour alone.

import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconClockHour4,
  IconCode,
  IconFlask,
  IconLoader2,
  IconPlayerStopFilled,
  IconTrash,
  IconWorld,
} from "@tabler/icons-react";
import type { ComponentType, ReactNode } from "react";
import type { Stage } from "@/api/nouns";
import css from "./kit.module.css";
import { Said } from "./Said";

type Tone = "good" | "work" | "warn" | "bad" | "quiet";
type Icon = ComponentType<{ size?: number | string; className?: string; "aria-hidden"?: boolean }>;
type Look = { word: string; tone: Tone; Icon: Icon; turns?: boolean };

const LOOKS: Record<string, Look> = {
  running: { word: "Running", tone: "good", Icon: IconCircleCheckFilled },
  ready: { word: "Connected", tone: "good", Icon: IconCircleCheckFilled },
  succeeded: { word: "Succeeded", tone: "good", Icon: IconCircleCheckFilled },
  deploying: { word: "Deploying", tone: "work", Icon: IconLoader2, turns: true },
  working: { word: "Working", tone: "work", Icon: IconLoader2, turns: true },
  queued: { word: "Waiting", tone: "quiet", Icon: IconClockHour4 },
  attention: { word: "Needs attention", tone: "warn", Icon: IconAlertTriangleFilled },
  failed: { word: "Failed", tone: "bad", Icon: IconCircleXFilled },
  stopped: { word: "Stopped", tone: "quiet", Icon: IconPlayerStopFilled },
  cancelled: { word: "Cancelled", tone: "quiet", Icon: IconPlayerStopFilled },
  superseded: { word: "Replaced", tone: "quiet", Icon: IconPlayerStopFilled },
  deleting: { word: "Deleting", tone: "quiet", Icon: IconTrash },
  waiting: { word: "Waiting for its machine", tone: "quiet", Icon: IconClockHour4 },
  away: { word: "Not reached", tone: "quiet", Icon: IconCircleDashed },
};

const UNKNOWN: Look = { word: "", tone: "quiet", Icon: IconCircleDashed };

type BadgeProps = { status: string; word?: string | undefined; bare?: boolean };

/** `word` replaces the usual one: a job that runs is "Working", not "Running". */
export function StatusBadge({ status, word, bare }: BadgeProps) {
  const look = LOOKS[status] ?? { ...UNKNOWN, word: status };
  return (
    <span className={`${css.badge} ${css[look.tone]} ${bare ? css.bare : ""}`}>
      <look.Icon size={14} className={look.turns ? "turning" : ""} aria-hidden />
      {word ?? look.word}
    </span>
  );
}

/** For lists where the word stands elsewhere or on hover. */
export function StatusIcon(props: { status: string; word?: string | undefined; size?: number }) {
  const { status, size = 16 } = props;
  const look = LOOKS[status] ?? { ...UNKNOWN, word: status };
  const word = props.word ?? look.word;
  return (
    <span role="img" aria-label={word} title={word} style={{ display: "inline-flex", color: `var(--${look.tone})` }}>
      <look.Icon size={size} className={look.turns ? "turning" : ""} aria-hidden />
    </span>
  );
}

const STAGES: Record<Stage, { word: string; Icon: Icon }> = {
  production: { word: "Production", Icon: IconWorld },
  staging: { word: "Staging", Icon: IconFlask },
  development: { word: "Development", Icon: IconCode },
};

export function StageTag({ stage }: { stage: Stage }) {
  const { word, Icon } = STAGES[stage];
  return (
    <span className={css.tag}>
      <Icon size={14} aria-hidden />
      {word}
    </span>
  );
}

export function Chip({ children, tone }: { children: ReactNode; tone?: Tone }) {
  return <span className={`${css.chip} ${tone ? css[tone] : ""}`}>{children}</span>;
}

export function Note({ tone, children }: { tone: Tone; children: ReactNode }) {
  const Icon = tone === "bad" ? IconCircleXFilled : tone === "good" ? IconCircleCheckFilled : IconAlertTriangleFilled;
  return (
    <div className={`${css.note} ${css[tone]}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon size={16} aria-hidden />
      <div>{typeof children === "string" ? <Said text={children} /> : children}</div>
    </div>
  );
}
