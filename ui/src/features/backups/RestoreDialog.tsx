import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import {
  IconArrowBackUp,
  IconArrowRight,
  IconCircleCheck,
  IconCircleDashedCheck,
  IconCircleXFilled,
  IconRefresh,
  IconShieldCheck,
} from "@tabler/icons-react";
import { useState } from "react";
import { type Backup, restoreBackup } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct, useAllInstances } from "@/api/queries";
import { Dialog, Note, ShortCommit, WaitingButton } from "@/kit";
import css from "./backups.module.css";
import { AFTER } from "./queries";
import { lost, madeIn } from "./words";

/** What is lost, what goes back and what stays; then the name. */
export function RestoreDialog(props: {
  workspace: string;
  /** The instance that it is of, where that is there. */
  instance: Instance | null;
  /** The one that it goes into, where that is settled. */
  into?: Instance;
  backup: Backup;
  onClose: () => void;
}) {
  const { workspace, instance, backup } = props;
  const [way, setWay] = useState(instance ? "same" : "another");
  const [other, setOther] = useState<string | null>(null);
  const [typed, setTyped] = useState("");
  // With its project the code of a backup is gone: its data go to whatever instance is chosen.
  const isCodeGone = backup.project.is_deleted;
  const all = useAllInstances(
    workspace,
    isCodeGone ? {} : { project: backup.project.id },
    way === "another" && !props.into,
  );
  const others = (all.data ?? []).filter(({ id, may }) => id !== instance?.id && may.includes("backup"));
  const into = props.into ?? (way === "same" ? instance : (others.find(({ id }) => id === other) ?? null));
  const isChosen = way === "another" && !props.into;
  const isTyped = into !== null && typed === into.name;
  const against = into?.blocked.backup && into.blocked.backup.code !== "conflict" ? into.blocked.backup.detail : null;
  const restore = useAct<void>(workspace, {
    act: () =>
      restoreBackup(workspace, backup.id, {
        confirm: typed,
        ...(into && into.id !== backup.instance.id && { into: into.id }),
      }),
    nouns: [...AFTER],
    onDone: props.onClose,
  });
  const now = Date.now();
  return (
    <Dialog
      opened
      onClose={props.onClose}
      size={560}
      onlyByButton={typed !== ""}
      title={`Restore the backup of ${backup.instance.name}, ${madeIn(backup.created_at, now)}`}
      onSubmit={() => isTyped && !against && restore.mutate()}
      foot={
        <>
          <span className={css.matches} role="status">
            {isTyped && (
              <>
                <IconCircleCheck size={15} stroke={1.75} aria-hidden /> The name matches
              </>
            )}
          </span>
          <Button onClick={props.onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            data-danger
            why={against ?? (!into ? "Choose an instance first" : isTyped ? undefined : `Type ${into.name} first`)}
            loading={restore.isPending}
            leftSection={<IconArrowBackUp size={16} stroke={1.75} aria-hidden />}
          >
            {into ? `Restore ${into.name}` : "Restore"}
          </WaitingButton>
        </>
      }
    >
      <div className={css.restore}>
        {backup.warning && <Note tone={backup.verified_at ? "warn" : "bad"}>{backup.warning}</Note>}
        {instance && (
          <div>
            <div className={css.label} id="restore-into">
              Restore into
            </div>
            <SegmentedControl
              aria-labelledby="restore-into"
              fullWidth
              value={way}
              onChange={(value) => {
                setWay(value);
                setTyped("");
              }}
              data={[
                { value: "same", label: instance.name },
                { value: "another", label: "Another instance" },
              ]}
            />
          </div>
        )}
        {isChosen && (
          <Select
            label="Instance"
            placeholder={
              all.isPending
                ? "Loading"
                : others.length
                  ? "Choose one"
                  : isCodeGone
                    ? "None that you may restore into"
                    : "None of this project that you may restore into"
            }
            data={others.map(({ id, name, stage }) => ({ value: id, label: `${name} (${stage})` }))}
            value={other}
            onChange={(value) => {
              setOther(value);
              setTyped("");
            }}
            searchable
          />
        )}
        {way === "another" && into?.stage === "production" && !into.lacks_data && (
          <Note tone="warn">
            {into.name} is production: what its visitors work with is replaced by what {backup.instance.name} held.
          </Note>
        )}
        {into && (
          <>
            <dl className={css.difference}>
              <div>
                <dt>Data and database</dt>
                {into.lacks_data ? (
                  <dd>Come to where none are yet: nothing is lost</dd>
                ) : (
                  <dd className={css.loses}>
                    <IconCircleXFilled size={16} aria-hidden />
                    {into.id === backup.instance.id
                      ? `Loses ${lost(backup, now)} of data`
                      : `Loses everything that ${into.name} holds now`}
                  </dd>
                )}
              </div>
              <div>
                <dt>Commit</dt>
                <dd>
                  {isCodeGone ? (
                    `The newest of ${into.branch}: ${backup.project.name} is deleted, and its code with it`
                  ) : into.commit === backup.commit ? (
                    "No difference"
                  ) : (
                    <>
                      {into.commit ? <ShortCommit commit={into.commit} /> : "nothing"}
                      <IconArrowRight size={14} stroke={1.75} aria-label="becomes" />
                      <ShortCommit commit={backup.commit} />
                    </>
                  )}
                </dd>
              </div>
              <div>
                <dt>Settings</dt>
                <dd>
                  {backup.is_of_production && into.stage !== "production" && !into.is_mail_off
                    ? "Stay as they are, but for its mail: none goes out from then on"
                    : "Stay as they are"}
                </dd>
              </div>
            </dl>
            <ul className={css.promises}>
              {!into.lacks_data && (
                <>
                  <li>
                    <IconShieldCheck size={16} stroke={1.75} aria-hidden />
                    First a backup is taken of what is replaced, so you can come back.
                  </li>
                  <li>
                    <IconRefresh size={16} stroke={1.75} aria-hidden />
                    The instance is down while it switches; requests wait meanwhile.
                  </li>
                </>
              )}
              <li>
                <IconCircleDashedCheck size={16} stroke={1.75} aria-hidden />
                It happens whole or not at all; if a step fails, everything stays as it is.
              </li>
            </ul>
            {against && <Note tone="warn">{against}</Note>}
            <TextInput
              label={
                <>
                  Type <code>{into.name}</code> to confirm
                </>
              }
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
              data-autofocus
            />
          </>
        )}
        {restore.error && <Note tone="bad">{restore.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
