import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import { type MouseEvent, type ReactNode, useEffect, useId, useState } from "react";
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

type WaitingProps = Omit<ButtonProps, "disabled"> & {
  /** What has to be done before; undefined where it works. */
  why: string | undefined;
  type?: "submit";
  "data-danger"?: boolean;
  onClick?: () => void;
  children: ReactNode;
};

/** A button that waits for something else: keys and fingers reach it all the same, and pressing it tells for what. */
export function WaitingButton({ why, onClick, children, ...rest }: WaitingProps) {
  const [isPressed, setPressed] = useState(false);
  const id = useId();
  useEffect(() => {
    if (!isPressed) return;
    const end = () => setPressed(false);
    document.addEventListener("pointerdown", end, { capture: true });
    return () => document.removeEventListener("pointerdown", end, { capture: true });
  }, [isPressed]);
  const press = (event: MouseEvent) => {
    event.preventDefault();
    setPressed(true);
  };
  return (
    <DisabledReason reason={why} isTold={isPressed} id={id}>
      <Button
        {...rest}
        aria-disabled={why ? true : undefined}
        aria-describedby={why && id}
        data-disabled={why ? true : undefined}
        onClick={why ? press : onClick}
      >
        {children}
      </Button>
    </DisabledReason>
  );
}

/** Says on hover and focus, and to screen readers, why what it wraps doesn't work now. */
export function DisabledReason(props: { reason: ReactNode; isTold?: boolean; id?: string; children: ReactNode }) {
  const { reason, isTold, id, children } = props;
  if (!reason) return children;
  return (
    <Tooltip
      label={reason}
      events={{ hover: true, focus: true, touch: true }}
      // A finger has left it by the time that it would be shown.
      {...(isTold && { opened: true })}
    >
      <span style={{ display: "inline-flex" }}>
        {children}
        <span className="visually-hidden" id={id}>
          {reason}
        </span>
      </span>
    </Tooltip>
  );
}
