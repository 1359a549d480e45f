import { useState } from "react";
import { type Backup, deleteBackup } from "@/api/generated";
import { useAct } from "@/api/queries";
import { NewInstanceDialog } from "@/features/instances/later";
import { ConfirmDialog, More, Panel, Section } from "@/kit";
import { BackupTable } from "./BackupTable";
import css from "./backups.module.css";
import { KeyDialog, RestoreDialog } from "./later";
import { AFTER, useBackupsOfDeleted } from "./queries";
import { made } from "./words";

/** What is left of instances that were deleted. Nothing, where there is none. */
export function DeletedBackups({ workspace }: { workspace: string }) {
  const backups = useBackupsOfDeleted(workspace);
  const [restored, setRestored] = useState<Backup | null>(null);
  const [copied, setCopied] = useState<Backup | null>(null);
  const [deleted, setDeleted] = useState<Backup | null>(null);
  const [key, setKey] = useState<Backup | null>(null);
  const remove = useAct<string>(workspace, {
    act: (id) => deleteBackup(workspace, id),
    nouns: [...AFTER],
    onDone: () => setDeleted(null),
  });
  if (!backups.items?.length) return null;
  const now = Date.now();
  return (
    <Section title="Backups of deleted instances">
      <p className={css.sentence}>They are kept for 30 days. A new instance can be made of each.</p>
      <Panel>
        <BackupTable
          workspace={workspace}
          backups={backups.items}
          now={now}
          ofInstance
          onNew={setCopied}
          onRestore={setRestored}
          onDelete={setDeleted}
          onKey={setKey}
        />
        <More {...backups} />
      </Panel>
      {restored && (
        <RestoreDialog workspace={workspace} instance={null} backup={restored} onClose={() => setRestored(null)} />
      )}
      {copied && (
        <NewInstanceDialog
          given={{ project: copied.project.id, branch: copied.branch, stage: copied.stage, backup: copied }}
          onClose={() => setCopied(null)}
        />
      )}
      {key && <KeyDialog workspace={workspace} backup={key} onClose={() => setKey(null)} />}
      <ConfirmDialog
        opened={deleted !== null}
        onClose={() => setDeleted(null)}
        title={`Delete the backup of ${deleted?.instance.name ?? ""}, ${deleted ? made(deleted.created_at, now) : ""}?`}
        action="Delete for good"
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => deleted && remove.mutate(deleted.id)}
      >
        What it holds can't be restored any more.
      </ConfirmDialog>
    </Section>
  );
}
