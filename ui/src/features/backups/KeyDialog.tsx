import { Button } from "@mantine/core";
import { useState } from "react";
import { type Backup, type BackupKey, exportBackupKey } from "@/api/generated";
import { useAct } from "@/api/queries";
import { CodeToCopy, Dialog, Note } from "@/kit";
import css from "./backups.module.css";

/** What opens the repository without Stoa. It is asked for only by a button: that it was shown is written down. */
export function KeyDialog({ workspace, backup, onClose }: { workspace: string; backup: Backup; onClose: () => void }) {
  const [key, setKey] = useState<BackupKey | null>(null);
  const show = useAct<void, BackupKey>(workspace, {
    act: () => exportBackupKey(workspace, backup.id),
    nouns: ["audit"],
    onDone: (answer) => setKey(answer),
  });
  return (
    <Dialog
      opened
      onClose={onClose}
      size={600}
      title={`Key to the backups of ${backup.instance.name}`}
      sentence="With it and the repository, restic restores any of them without Stoa."
      foot={
        <>
          <Button onClick={onClose}>Close</Button>
          {!key && (
            <Button variant="filled" loading={show.isPending} onClick={() => show.mutate()}>
              Show the key
            </Button>
          )}
        </>
      }
    >
      <div className={css.restore}>
        {key ? (
          <>
            <div>
              <div className={css.label}>Password</div>
              <CodeToCopy text={key.password} label="Password" />
            </div>
            <div>
              <div className={css.label}>
                {key.repository.startsWith("s3:")
                  ? "Anywhere, with the bucket's own key"
                  : backup.is_reachable
                    ? "On the server"
                    : "On the machine that was its server"}
              </div>
              <CodeToCopy text={key.command} label="Command" />
            </div>
          </>
        ) : (
          <Note tone="warn">
            Whoever has it reads everything in these backups. That it was shown stands in the audit log (under
            Activity).
          </Note>
        )}
        {show.error && <Note tone="bad">{show.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
