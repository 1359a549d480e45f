import { Button, CloseButton, Modal, TextInput } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Problem } from "@/api/problem";
import { WaitingButton } from "./AbleButton";
import css from "./kit.module.css";
import { Note } from "./Status";
import { useUnsaved } from "./Unsaved";
import { useEscape } from "./useEscape";
import { useFocusBack } from "./useFocusBack";
import { usePhone } from "./usePhone";

/** Title, one sentence, body, foot. The deciding button is the last of `foot`. With `onSubmit` it is a form. */
export function Dialog(props: {
  opened: boolean;
  onClose: () => void;
  title: string;
  sentence?: ReactNode;
  children?: ReactNode;
  foot: ReactNode;
  size?: number;
  onSubmit?: () => void;
  /** What is shown once goes by its button alone: no key, no click beside it. */
  onlyByButton?: boolean;
  /** Something was typed: Escape, the cross, a click beside it and Back ask before it is lost. */
  unsaved?: boolean;
}) {
  const phone = usePhone();
  const { leave, question } = useUnsaved(props.opened && (props.unsaved ?? false), {
    title: "Discard what you typed?",
    sentence: "It isn't saved, and is lost when this closes.",
    discard: "Discard",
  });
  const close = () => leave(props.onClose);
  useEscape(props.opened, props.onlyByButton ? () => {} : close);
  useFocusBack(props.opened);
  const inside = (
    <>
      <div className={css.dialogHead} data-closable={!props.onlyByButton || undefined}>
        <Modal.Title className={css.dialogTitle}>{props.title}</Modal.Title>
        {props.sentence && <p>{props.sentence}</p>}
      </div>
      {props.children && <div className={css.dialogBody}>{props.children}</div>}
      <div className={css.dialogFoot}>{props.foot}</div>
      {/* The last of it, so that a dialog begins at its first field. */}
      {!props.onlyByButton && <CloseButton className={css.dialogClose} onClick={close} aria-label="Close" />}
    </>
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    props.onSubmit?.();
  };
  return (
    <Modal
      opened={props.opened}
      onClose={close}
      closeOnEscape={false}
      closeOnClickOutside={!props.onlyByButton}
      size={props.size ?? 480}
      fullScreen={phone}
    >
      {props.onSubmit ? (
        <form className={css.dialog} onSubmit={submit}>
          {inside}
        </form>
      ) : (
        <div className={css.dialog}>{inside}</div>
      )}
      {question}
    </Modal>
  );
}

/** For what can't be undone. With `typed`, that name has to be typed before the button works. */
export function ConfirmDialog(props: {
  opened: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  action: string;
  /** What doesn't do it; *Cancel* where nothing else is said. */
  cancel?: string;
  typed?: string;
  /** Why it can't be done yet. */
  blocked?: string | undefined;
  danger?: boolean;
  busy?: boolean;
  problem?: Problem | null;
  onConfirm: () => void;
}) {
  const [text, setText] = useState("");
  const close = () => {
    setText("");
    props.onClose();
  };
  const why =
    props.blocked ?? (props.typed === undefined || text === props.typed ? undefined : `Type ${props.typed} first`);
  return (
    <Dialog
      opened={props.opened}
      onClose={close}
      title={props.title}
      onSubmit={() => why === undefined && props.onConfirm()}
      foot={
        <>
          <Button onClick={close} data-autofocus={props.cancel !== undefined || undefined}>
            {props.cancel ?? "Cancel"}
          </Button>
          <WaitingButton
            type="submit"
            why={why}
            loading={props.busy ?? false}
            {...(props.danger === false ? { variant: "filled" } : { "data-danger": true })}
          >
            {props.action}
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <div>{props.children}</div>
        {props.typed !== undefined && (
          <TextInput
            label={
              <>
                Type <code>{props.typed}</code> to confirm
              </>
            }
            styles={{ label: { overflowWrap: "anywhere" } }}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
        )}
        {props.problem && <Note tone="bad">{props.problem.detail}</Note>}
      </div>
    </Dialog>
  );
}

/** Asks for a name, and for nothing else. */
export function NameDialog(props: {
  title: string;
  sentence?: ReactNode;
  /** What the name is for. */
  description?: string;
  name: string;
  /** What it is called now, where that changes nothing. */
  before?: string;
  onChange: (name: string) => void;
  action: string;
  isBusy: boolean;
  problem: Problem | null;
  onDone: () => void;
  onClose: () => void;
}) {
  const { problem } = props;
  const name = props.name.trim();
  const why = name === "" ? "Give it a name first" : name === props.before ? "Change something first" : undefined;
  return (
    <Dialog
      opened
      onClose={props.onClose}
      title={props.title}
      sentence={props.sentence}
      onSubmit={() => why === undefined && props.onDone()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <WaitingButton type="submit" variant="filled" loading={props.isBusy} why={why}>
            {props.action}
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <TextInput
          label="Name"
          description={props.description}
          inputWrapperOrder={["label", "input", "error", "description"]}
          maxLength={80}
          required
          withAsterisk={false}
          value={props.name}
          onChange={(event) => props.onChange(event.currentTarget.value)}
          error={problem?.field("name")}
          data-autofocus
        />
        {problem && !problem.field("name") && <Note tone="bad">{problem.detail}</Note>}
      </div>
    </Dialog>
  );
}
