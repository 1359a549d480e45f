import { Button } from "@mantine/core";
import { IconArrowBackUp, IconDatabaseExport, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { type Backup, cancelJob, createBackup, deleteBackup } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { NewInstanceDialog } from "@/features/instances/later";
import {
  AbleButton,
  ConfirmDialog,
  DisabledReason,
  Failed,
  LoadingRows,
  More,
  Note,
  Panel,
  reasonAgainst,
  StatusIcon,
} from "@/kit";
import { BackupTable } from "./BackupTable";
import css from "./backups.module.css";
import { LacksData } from "./LacksData";
import { LastRestore } from "./LastRestore";
import { KeyDialog, NoteDialog, RestoreDialog } from "./later";
import { NoBackups } from "./NoBackups";
import { Plan } from "./Plan";
import { AFTER, useBackups } from "./queries";
import { bytes, doing, made } from "./words";

const OF_BACKUPS = ["backup", "restore"];

/** The backups of one instance: what is being done, what there is, and by what plan. */
export function BackupsTab({ workspace, instance }: { workspace: string; instance: Instance }) {
  const backups = useBackups(workspace, instance.id);
  const [restored, setRestored] = useState<Backup | null>(null);
  const [deleted, setDeleted] = useState<Backup | null>(null);
  const [copied, setCopied] = useState<Backup | null>(null);
  const [key, setKey] = useState<Backup | null>(null);
  const [isNoting, setNoting] = useState(false);
  const create = useAct<void>(workspace, { act: () => createBackup(workspace, instance.id, {}), nouns: [...AFTER] });
  const remove = useAct<string>(workspace, {
    act: (id) => deleteBackup(workspace, id),
    nouns: [...AFTER],
    onDone: () => setDeleted(null),
  });
  if (backups.error) return <Failed error={backups.error} retry={() => void backups.refetch()} inline />;
  if (!backups.items) return <LoadingRows />;
  const now = Date.now();
  const job = instance.job && OF_BACKUPS.includes(instance.job.kind) ? instance.job : null;
  const ready = backups.items.filter(({ status }) => status === "ready");
  const newest = ready.find(({ is_reachable }) => is_reachable);
  const stored = ready.reduce((sum, { added }) => sum + added, 0);
  const isOwner = instance.may.includes("manage");
  const busy = job
    ? `${job.kind === "restore" ? "A restore" : "One"} is running`
    : reasonAgainst(instance, "backup")?.detail;
  const shown = backups.items.filter(({ status }) => status !== "making");
  const makeOne = (
    <>
      <AbleButton of={instance} verb="backup" onClick={() => setNoting(true)}>
        Back up with a note…
      </AbleButton>
      <AbleButton
        of={instance}
        verb="backup"
        variant="filled"
        leftSection={<IconDatabaseExport size={16} stroke={1.75} aria-hidden />}
        loading={create.isPending}
        onClick={() => create.mutate()}
      >
        {job ? `Back up now: ${job.kind === "restore" ? "a restore" : "one"} is running` : "Back up now"}
      </AbleButton>
      {isNoting && <NoteDialog workspace={workspace} instance={instance} onClose={() => setNoting(false)} />}
    </>
  );
  const lastRestore = <LastRestore workspace={workspace} instance={instance} />;
  if (backups.items.length === 0 && instance.lacks_data)
    return (
      <>
        {lastRestore}
        <LacksData workspace={workspace} instance={instance} />
      </>
    );
  if (backups.items.length === 0 && !job)
    return (
      <>
        {lastRestore}
        <NoBackups workspace={workspace} instance={instance} create={makeOne} problem={create.error?.detail} />
      </>
    );
  return (
    <div className={css.beside}>
      <section aria-label="Backups">
        <div className={css.head}>
          <h2>Backups</h2>
          <span className={`${css.quiet} numbers`}>
            {ready.length}
            {backups.hasNextPage ? "+" : ""}, {bytes(stored)} stored
          </span>
          <span className={css.headActions}>
            {newest && (
              <DisabledReason reason={busy}>
                <Button
                  leftSection={<IconArrowBackUp size={16} stroke={1.75} aria-hidden />}
                  aria-disabled={busy ? true : undefined}
                  data-disabled={busy ? true : undefined}
                  onClick={busy ? undefined : () => setRestored(newest)}
                >
                  Restore…
                </Button>
              </DisabledReason>
            )}
            {makeOne}
          </span>
        </div>
        {create.error && <Note tone="bad">{create.error.detail}</Note>}
        {lastRestore}
        <Panel>
          {job && <Running workspace={workspace} job={job} />}
          {shown.length > 0 && (
            <>
              <BackupTable
                workspace={workspace}
                backups={shown}
                now={now}
                against={busy ?? undefined}
                onRestore={setRestored}
                onDelete={setDeleted}
                onNew={isOwner ? setCopied : undefined}
                onKey={isOwner ? setKey : undefined}
              />
              <More {...backups} />
            </>
          )}
        </Panel>
      </section>
      <Plan workspace={workspace} instance={instance} />
      {restored && (
        <RestoreDialog workspace={workspace} instance={instance} backup={restored} onClose={() => setRestored(null)} />
      )}
      {copied && (
        <NewInstanceDialog
          given={{ project: instance.project.id, branch: copied.branch, backup: copied }}
          onClose={() => setCopied(null)}
        />
      )}
      {key && <KeyDialog workspace={workspace} backup={key} onClose={() => setKey(null)} />}
      <ConfirmDialog
        opened={deleted !== null}
        onClose={() => setDeleted(null)}
        title={`Delete the backup of ${deleted ? made(deleted.created_at, now) : ""}?`}
        action="Delete for good"
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => deleted && remove.mutate(deleted.id)}
      >
        What it holds can't be restored any more. What other backups share with it stays.
      </ConfirmDialog>
    </div>
  );
}

function Running({ workspace, job }: { workspace: string; job: NonNullable<Instance["job"]> }) {
  const cancel = useAct<void>(workspace, { act: () => cancelJob(workspace, job.id), nouns: [...AFTER] });
  const { title, step } = doing(job);
  return (
    <div className={css.running}>
      <div className={css.runningWords}>
        <StatusIcon status="deploying" />
        <strong>{title}</strong>
        <span role="status">{step}</span>
        <span className={css.runningEnd}>
          {job.progress != null && <span className="numbers">{job.progress} %</span>}
          <Button
            leftSection={<IconX size={15} stroke={1.75} aria-hidden />}
            loading={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            Cancel
          </Button>
        </span>
      </div>
      <progress className={css.bar} max={100} value={job.progress ?? undefined} aria-label={title} />
      {cancel.error && <Note tone="bad">{cancel.error.detail}</Note>}
    </div>
  );
}
