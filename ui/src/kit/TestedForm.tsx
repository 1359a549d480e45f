import { Button } from "@mantine/core";
import { IconCircleCheckFilled, IconPlayerPlay } from "@tabler/icons-react";
import type { FormEvent, ReactNode } from "react";
import type { Problem } from "@/api/problem";
import { WaitingButton } from "./AbleButton";
import css from "./held.module.css";
import { Note } from "./Status";
import { Unsaved } from "./Unsaved";

/** A form of `useHeldDraft` for what is elsewhere: saved first, and tested as it is saved. */
export function TestedForm(props: {
  label: string;
  /** In the middle of a sentence. */
  what: string;
  form: { isChanged: boolean; isStale: boolean };
  isReady: boolean;
  /** What is to be done where it isn't ready. */
  missing: string;
  isSaving: boolean;
  problem: Problem | null;
  onSave: () => void;
  /** `without`: what has to be saved first. */
  test: { without: string | null; isRunning: boolean; run: () => void } | null;
  /** Where a key is being replaced. */
  onKeep: (() => void) | null;
  more?: ReactNode;
  children: ReactNode;
  below: ReactNode;
}) {
  const { test, isReady, problem } = props;
  const { isChanged, isStale } = props.form;
  const whyNoTest = test?.without ?? (isChanged ? "Save first" : undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) props.onSave();
  };
  return (
    <form className={css.form} onSubmit={submit} aria-label={props.label}>
      <Unsaved when={isChanged} what={`What you changed of ${props.what}`} />
      {isStale && isChanged && (
        <Note tone="warn">Somebody changed these settings meanwhile. Load the page again to see them.</Note>
      )}
      {props.children}
      {problem && problem.errors.length === 0 && <Note tone="bad">{problem.detail}</Note>}
      <div className={css.buttons}>
        <WaitingButton
          type="submit"
          variant="filled"
          why={isReady ? undefined : isChanged ? props.missing : "Change something first"}
          loading={props.isSaving}
        >
          Save
        </WaitingButton>
        {test && (
          <WaitingButton
            leftSection={<IconPlayerPlay size={16} stroke={1.75} aria-hidden />}
            why={whyNoTest}
            loading={test.isRunning}
            onClick={test.run}
          >
            Test
          </WaitingButton>
        )}
        {props.onKeep && <Button onClick={props.onKeep}>Keep the old key</Button>}
        {props.more}
      </div>
      {props.below}
    </form>
  );
}

/** That a test went well, and what it told. */
export function Passed({ children }: { children: ReactNode }) {
  return (
    <div className={css.passed} role="status">
      <IconCircleCheckFilled size={16} aria-hidden />
      {children}
    </div>
  );
}
