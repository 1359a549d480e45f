import { Button } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useState } from "react";
import { viewBackup } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useObject } from "@/api/queries";
import { EmptyPage, LoadingRows } from "@/kit";
import { RestoreDialog } from "./later";
import { made } from "./words";

/** An instance whose backup's data isn't in it: which backup that is, and the way to bring it. */
export function LacksData({ workspace, instance }: { workspace: string; instance: Instance }) {
  const of = instance.made_of;
  const backup = useObject(
    workspace,
    "deployments",
    `/backups/${of}`,
    (init) => viewBackup(workspace, of ?? "", init),
    of !== null,
  );
  const [isOpen, setOpen] = useState(false);
  if (backup.isLoading) return <LoadingRows />;
  const from = backup.data?.status === "ready" && backup.data.is_reachable ? backup.data : null;
  return (
    <EmptyPage
      title="Its data isn't in it yet"
      action={
        from && (
          <Button
            variant="filled"
            leftSection={<IconArrowBackUp size={16} stroke={1.75} aria-hidden />}
            onClick={() => setOpen(true)}
          >
            Restore it here…
          </Button>
        )
      }
    >
      {from
        ? `${instance.name} is made of the backup of ${from.instance.name}, ${made(from.created_at, Date.now()).replace(/^[TY]/, (first) => first.toLowerCase())}, which hasn't been brought here. Nothing runs without it. It can be brought again; another backup is restored here from the page of the instance that it is of.`
        : `${instance.name} is made of a backup that is gone, or isn't yours to restore, and which wasn't brought here. Nothing runs without it. Restore another backup into it, from the page of the instance that it is of, or delete it.`}
      {isOpen && from && (
        <RestoreDialog
          workspace={workspace}
          instance={null}
          into={instance}
          backup={from}
          onClose={() => setOpen(false)}
        />
      )}
    </EmptyPage>
  );
}
