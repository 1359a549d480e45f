import { IconDatabase, IconServer } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import {
  type BackupStorage,
  removeBackupStorage,
  setBackupStorage,
  type TestedStorage,
  testBackupStorage,
  viewBackupStorage,
} from "@/api/generated";
import type { Problem } from "@/api/problem";
import { queryClient, useAct } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  CodeField,
  ConfirmDialog,
  Failed,
  KeyField,
  LoadingRows,
  Note,
  notice,
  PageTitle,
  Passed,
  RadioCards,
  TestedForm,
  useHeldDraft,
} from "@/kit";
import css from "@/kit/held.module.css";

// Below the workspace's own key: its event makes it be asked anew.
const keyOf = (workspace: string) => [workspace, "workspace", "backup-storage"] as const;

/** Where the workspace's backups go. */
export function StoragePage() {
  const workspace = useWorkspace();
  const storage = useQuery<Tagged<BackupStorage>, Problem>({
    queryKey: keyOf(workspace.slug),
    queryFn: async ({ signal }) => (await viewBackupStorage(workspace.slug, { signal })) as Tagged<BackupStorage>,
  });
  if (storage.isLoadingError)
    return <Failed error={storage.error} retry={() => void storage.refetch()} home={workspace.slug} />;
  if (!storage.data) return <LoadingRows rows={5} />;
  return (
    <>
      <PageTitle
        title="Backups"
        sentence="Where backups of this workspace's instances are kept. They are encrypted before they leave the server, wherever they go."
      />
      <StorageForm key={workspace.id} workspace={workspace.slug} saved={storage.data} />
    </>
  );
}

type Place = "disk" | "bucket";

type Draft = {
  place: Place;
  endpoint: string;
  bucket: string;
  region: string;
  keyId: string;
  key: string;
  isReplacing: boolean;
};

const draftOf = (saved: BackupStorage): Draft => ({
  place: saved.endpoint === null ? "disk" : "bucket",
  endpoint: saved.endpoint ?? "",
  bucket: saved.bucket ?? "",
  region: saved.region ?? "",
  keyId: saved.key_id ?? "",
  key: "",
  isReplacing: false,
});

/** Whether the key would open another bucket than the one that it was given for. */
const leadsElsewhere = ({ endpoint, bucket, keyId }: Draft, base: BackupStorage) =>
  endpoint.trim() !== (base.endpoint ?? "") ||
  bucket.trim() !== (base.bucket ?? "") ||
  keyId.trim() !== (base.key_id ?? "");

const differs = (draft: Draft, base: BackupStorage) =>
  draft.place === "disk"
    ? base.endpoint !== null
    : leadsElsewhere(draft, base) || draft.region.trim() !== (base.region ?? "") || draft.key !== "";

const PLACES = [
  { key: "disk" as const, word: "The server's disk", Icon: IconServer },
  { key: "bucket" as const, word: "S3-compatible storage", Icon: IconDatabase },
];

function StorageForm({ workspace, saved }: { workspace: string; saved: Tagged<BackupStorage> }) {
  const form = useHeldDraft(saved, draftOf, differs);
  const { draft, base, set, isChanged } = form;
  const [isLeaving, setLeaving] = useState(false);
  const isBucket = draft.place === "bucket";
  const [endpoint, bucket, keyId] = [draft.endpoint.trim(), draft.bucket.trim(), draft.keyId.trim()];
  const isElsewhere = leadsElsewhere(draft, base);

  const take = (now: Tagged<BackupStorage>) => {
    queryClient.setQueryData(keyOf(workspace), now);
    form.take(now);
    tested.reset();
  };
  const tested = useMutation<TestedStorage, Problem>({ mutationFn: () => testBackupStorage(workspace) });
  const change = useAct<void, BackupStorage>(workspace, {
    act: () =>
      setBackupStorage(
        workspace,
        {
          endpoint,
          bucket,
          key_id: keyId,
          ...(draft.region.trim() && { region: draft.region.trim() }),
          ...(draft.key && { key: draft.key }),
        },
        ifMatch(base.etag),
      ),
    nouns: ["audit"],
    onDone: (now) => {
      take(now);
      void notice("Saved");
    },
  });
  const remove = useAct<void>(workspace, {
    act: () => removeBackupStorage(workspace, ifMatch(base.etag)),
    nouns: ["audit"],
    onDone: () => {
      setLeaving(false);
      take({
        endpoint: null,
        bucket: null,
        region: null,
        key_id: null,
        key_set: false,
        key_set_by: null,
        key_set_at: null,
        etag: null,
      });
      void queryClient.invalidateQueries({ queryKey: keyOf(workspace) });
      void notice("Saved");
    },
  });
  const hasKept = base.key_set && !isElsewhere && !draft.isReplacing;
  const isReady = isChanged && (!isBucket || (endpoint !== "" && bucket !== "" && keyId !== ""));
  const problem = change.error;
  return (
    <TestedForm
      label="Where backups go"
      what="where backups go"
      form={form}
      isReady={isReady}
      missing="Fill in the address, the bucket and the key"
      isSaving={change.isPending}
      problem={problem}
      onSave={() => (isBucket ? change.mutate() : setLeaving(true))}
      test={
        isBucket
          ? {
              without: base.endpoint === null ? "Save a bucket first" : null,
              isRunning: tested.isPending,
              run: () => tested.mutate(),
            }
          : null
      }
      onKeep={draft.isReplacing ? () => set({ isReplacing: false, key: "" }) : null}
      below={
        <>
          {/* What went wrong is of the bucket that is saved, and of no other. */}
          {tested.error && !tested.isPending && isBucket && !isElsewhere && (
            <Note tone="bad">{tested.error.detail}</Note>
          )}
          {tested.data && !isChanged && (
            <Passed>
              <span>Something was written into the bucket, read and removed.</span>
            </Passed>
          )}
          <ConfirmDialog
            opened={isLeaving}
            onClose={() => setLeaving(false)}
            title="Keep backups on the servers' disks?"
            action="Keep them there"
            busy={remove.isPending}
            problem={remove.error}
            onConfirm={() => remove.mutate()}
          >
            New backups go to the disk of each instance's server. Those in the bucket stay there, can be restored, and
            go at their time; the key is forgotten with the last of them.
          </ConfirmDialog>
        </>
      }
    >
      <RadioCards
        legend="Where they go"
        name="place"
        cards={PLACES}
        value={draft.place}
        onChange={(place) => set({ place })}
      />
      {!isBucket ? (
        <p className={css.text}>
          Each instance's backups are kept on the disk of its server. If that disk is lost, they are lost with it.
        </p>
      ) : (
        <>
          <CodeField
            label="Address"
            description="Of the storage, without the bucket. A private address has to be listed in STOA_EGRESS_ALLOW by whoever runs Stoa."
            placeholder="https://s3.example.com"
            value={draft.endpoint}
            onChange={(endpoint) => set({ endpoint })}
            error={problem?.field("endpoint")}
            inputMode="url"
          />
          <div className={css.pair}>
            <CodeField
              label="Bucket"
              description="It has to be there already."
              value={draft.bucket}
              onChange={(bucket) => set({ bucket })}
              error={problem?.field("bucket")}
            />
            <CodeField
              label="Region"
              description="Only where the storage has regions."
              placeholder="eu-central-1"
              value={draft.region}
              onChange={(region) => set({ region })}
              error={problem?.field("region")}
            />
          </div>
          <CodeField
            label="Key id"
            value={draft.keyId}
            onChange={(keyId) => set({ keyId })}
            error={problem?.field("key_id")}
          />
          <KeyField
            label="Secret key"
            kept={
              hasKept
                ? {
                    by: base.key_set_by,
                    at: base.key_set_at,
                    help: "Kept encrypted and never shown again. Another address, bucket or key id asks for it anew.",
                    onReplace: () => set({ isReplacing: true }),
                  }
                : null
            }
            help={
              base.key_set && isElsewhere
                ? "The key that is kept was given for another address, bucket or key id. Give the one for this."
                : "Kept encrypted and never shown again. It needs to list, read, write and delete in this bucket."
            }
            value={draft.key}
            onChange={(key) => set({ key })}
            error={problem?.field("key")}
            maxLength={256}
          />
        </>
      )}
      {isChanged && base.endpoint !== (isBucket ? endpoint : null) && (
        <p className={css.text}>
          New backups go there from now on, each instance's first one whole. Those that are made already stay where they
          are, can be restored, and go at their time.
        </p>
      )}
    </TestedForm>
  );
}
