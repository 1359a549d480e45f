import { ActionIcon, Button, Modal } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import { useFocusBack, usePhone, useUnsaved, WaitingButton } from "@/kit";
import { useEscape } from "@/kit/useEscape";
import { changesIn } from "./difference";
import css from "./permissions.module.css";

/** What the form within tells of itself: how many changes aren't saved, and whether they are being saved. */
type Held = { changes: number; isSaving: boolean };
export type OnHeld = (held: Held) => void;

type Props = {
  /** A picture before the title. */
  tile: ReactNode;
  title: string;
  sentence: ReactNode;
  /** Before the cross; what leaves the dialog goes by `leave`, which asks first. */
  actions?: (leave: (go: () => void) => void) => ReactNode;
  /** What is said of changes that would be lost. */
  unsaved: string;
  onClose: () => void;
  children: (onHeld: OnHeld) => ReactNode;
};

/** Around the editor of one profile, or of several: its head, and that nothing is lost by leaving. */
export function ProfileDialog(props: Props) {
  const phone = usePhone();
  const [{ changes, isSaving }, setHeld] = useState<Held>({ changes: 0, isSaving: false });
  useFocusBack(true);
  const { leave, question } = useUnsaved(changes > 0, {
    title: `Discard ${changesIn(changes)}?`,
    sentence: props.unsaved,
    discard: `Discard ${changesIn(changes)}`,
  });
  // What is on its way can't be called back: how it ends is waited for.
  const close = () => !isSaving && leave(props.onClose);
  useEscape(true, close);
  return (
    <Modal opened onClose={close} closeOnEscape={false} size={1040} padding={0} fullScreen={phone}>
      <div className={css.head}>
        {props.tile}
        <div className={css.headText}>
          <Modal.Title className={css.title}>{props.title}</Modal.Title>
          {props.sentence}
        </div>
        <div className={css.headRight}>
          {props.actions?.(leave)}
          <ActionIcon
            size={phone ? 40 : 32}
            onClick={close}
            disabled={isSaving}
            aria-label="Close"
            title={isSaving ? "It is being saved" : undefined}
          >
            <IconX size={17} stroke={1.75} />
          </ActionIcon>
        </div>
      </div>
      {props.children(setHeld)}
      {question}
    </Modal>
  );
}

type FootProps = {
  changes: number;
  isSaving: boolean;
  /** Why it can't be saved yet. */
  why: string | undefined;
  onHeld: OnHeld;
  onClose: () => void;
  onSave: () => void;
  /** What will change, or what is wrong. */
  children: ReactNode;
};

/** What will change, and the two ways out. */
export function ProfileFoot({ changes, isSaving, why, onHeld, onClose, onSave, children }: FootProps) {
  useEffect(() => onHeld({ changes, isSaving }), [onHeld, changes, isSaving]);
  return (
    <div className={css.foot}>
      <div className={css.changes} aria-live="polite">
        {children}
      </div>
      <Button onClick={onClose} disabled={isSaving} title={isSaving ? "It is being saved" : undefined}>
        {changes === 0 ? "Close" : "Discard"}
      </Button>
      <WaitingButton variant="filled" why={why} loading={isSaving} onClick={onSave}>
        {changes === 0 ? "Save" : `Save ${changesIn(changes)}`}
      </WaitingButton>
    </div>
  );
}
