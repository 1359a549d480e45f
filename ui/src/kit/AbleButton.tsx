import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { Able, Verb } from "@/api/nouns";
import { nothingIsDone, viewing } from "@/api/viewing";

/** Why a verb can't be done to an object now: not allowed, blocked by its state, or null where it can. */
export function reasonAgainst(of: Able, verb: Verb): { kind: "missing" | "blocked"; detail: string } | null {
  if (!of.may.includes(verb)) return { kind: "missing", detail: "Your permissions don't include this. Ask an owner." };
  if (viewing()) return { kind: "blocked", detail: nothingIsDone() };
  const blocked = of.blocked[verb];
  return blocked ? { kind: "blocked", detail: blocked.detail } : null;
}

type Props = Omit<ButtonProps, "disabled"> & {
  of: Able;
  verb: Verb;
  onClick: () => void;
  children: ReactNode;
  /** Where the member would look for it: shown disabled, with this sentence, instead of not at all. */
  whenMissing?: ReactNode;
  /** Why it doesn't work for a moment: it stays the same button, and keeps the focus. */
  held?: string | undefined;
};

/** A button that follows `may` and `blocked`: absent, disabled with its reason, or ready. */
export function AbleButton({ of, verb, onClick, whenMissing, held, children, ...rest }: Props) {
  const against = reasonAgainst(of, verb);
  if (against?.kind === "missing" && !whenMissing) return null;
  const why = against && (against.kind === "missing" ? (whenMissing ?? against.detail) : against.detail);
  return (
    <DisabledReason reason={why}>
      <Button
        {...rest}
        aria-disabled={why || held ? true : undefined}
        data-disabled={why || held ? true : undefined}
        title={why ? undefined : held}
        onClick={why || held ? undefined : onClick}
      >
        {children}
      </Button>
    </DisabledReason>
  );
}

/** Says on hover and focus, and to screen readers, why what it wraps doesn't work now. */
export function DisabledReason({ reason, children }: { reason: ReactNode; children: ReactNode }) {
  if (!reason) return children;
  return (
    <Tooltip label={reason} events={{ hover: true, focus: true, touch: true }}>
      <span style={{ display: "inline-flex" }}>
        {children}
        <span className="visually-hidden">{reason}</span>
      </span>
    </Tooltip>
  );
}
