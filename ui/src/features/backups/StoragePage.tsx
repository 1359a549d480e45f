import { Button, PasswordInput, TextInput } from "@mantine/core";
import { IconCircleCheckFilled, IconDatabase, IconKey, IconPlayerPlay, IconServer } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
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
import { ConfirmDialog, Failed, LoadingRows, Note, notice, PageTitle, Time, Unsaved } from "@/kit";
import css from "./storage.module.css";

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

type Draft = {
  isBucket: boolean;
  endpoint: string;
  bucket: string;
  region: string;
  keyId: string;
  key: string;
  isReplacing: boolean;
};

const draftOf = (saved: BackupStorage): Draft => ({
  isBucket: saved.endpoint !== null,
  endpoint: saved.endpoint ?? "",
  bucket: saved.bucket ?? "",
  region: saved.region ?? "",
  keyId: saved.key_id ?? "",
  key: "",
  isReplacing: false,
});

const PLACES = [
  { isBucket: false, word: "The server's disk", Icon: IconServer },
  { isBucket: true, word: "S3-compatible storage", Icon: IconDatabase },
];

function StorageForm({ workspace, saved }: { workspace: string; saved: Tagged<BackupStorage> }) {
  const [draft, setDraft] = useState(() => draftOf(saved));
  const [base, setBase] = useState(saved);
  const [isLeaving, setLeaving] = useState(false);
  const set = (change: Partial<Draft>) => setDraft((draft) => ({ ...draft, ...change }));
  const { isBucket } = draft;
  const [endpoint, bucket, keyId] = [draft.endpoint.trim(), draft.bucket.trim(), draft.keyId.trim()];
  const isElsewhere =
    endpoint !== (base.endpoint ?? "") || bucket !== (base.bucket ?? "") || keyId !== (base.key_id ?? "");
  const isChanged = isBucket
    ? isElsewhere || draft.region.trim() !== (base.region ?? "") || draft.key !== ""
    : base.endpoint !== null;
  const isStale = saved.etag !== base.etag;

  // Saved by somebody else while nothing was touched here: it shows what is there now.
  useEffect(() => {
    if (!isStale || isChanged) return;
    setBase(saved);
    setDraft(draftOf(saved));
  }, [isStale, isChanged, saved]);

  const take = (now: Tagged<BackupStorage>) => {
    queryClient.setQueryData(keyOf(workspace), now);
    setBase(now);
    setDraft(draftOf(now));
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
  const general = problem && problem.errors.length === 0 ? problem.detail : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    if (isBucket) change.mutate();
    else setLeaving(true);
  };
  const whyNoTest = base.endpoint === null ? "Save a bucket first" : isChanged ? "Save first" : undefined;

  return (
    <form className={css.form} onSubmit={submit} aria-label="Where backups go">
      <Unsaved when={isChanged} what="What you changed of where backups go" />
      {isStale && isChanged && (
        <Note tone="warn">Somebody changed these settings meanwhile. Load the page again to see them.</Note>
      )}
      <fieldset className={css.places}>
        <legend>Where they go</legend>
        {PLACES.map(({ isBucket: is, word, Icon }) => (
          <label key={word} className={css.place}>
            <input type="radio" name="place" checked={isBucket === is} onChange={() => set({ isBucket: is })} />
            <Icon size={19} stroke={1.75} aria-hidden />
            {isBucket === is && <IconCircleCheckFilled size={15} className={css.check} aria-hidden />}
            <span>{word}</span>
          </label>
        ))}
      </fieldset>
      {!isBucket ? (
        <p className={css.text}>
          Each instance's backups are kept on the disk of its server. If that disk is lost, they are lost with it.
        </p>
      ) : (
        <>
          <TextInput
            label="Address"
            description="Of the storage, without the bucket. A private address has to be listed in STOA_EGRESS_ALLOW by whoever runs Stoa."
            inputWrapperOrder={["label", "input", "error", "description"]}
            placeholder="https://s3.example.com"
            value={draft.endpoint}
            onChange={(event) => set({ endpoint: event.currentTarget.value })}
            error={problem?.field("endpoint")}
            spellCheck={false}
            autoComplete="off"
            inputMode="url"
            classNames={{ input: css.code ?? "" }}
          />
          <div className={css.pair}>
            <TextInput
              label="Bucket"
              description="It has to be there already."
              inputWrapperOrder={["label", "input", "error", "description"]}
              value={draft.bucket}
              onChange={(event) => set({ bucket: event.currentTarget.value })}
              error={problem?.field("bucket")}
              spellCheck={false}
              autoComplete="off"
              classNames={{ input: css.code ?? "" }}
            />
            <TextInput
              label="Region"
              description="Only where the storage has regions."
              inputWrapperOrder={["label", "input", "error", "description"]}
              placeholder="eu-central-1"
              value={draft.region}
              onChange={(event) => set({ region: event.currentTarget.value })}
              error={problem?.field("region")}
              spellCheck={false}
              autoComplete="off"
              classNames={{ input: css.code ?? "" }}
            />
          </div>
          <TextInput
            label="Key id"
            value={draft.keyId}
            onChange={(event) => set({ keyId: event.currentTarget.value })}
            error={problem?.field("key_id")}
            spellCheck={false}
            autoComplete="off"
            classNames={{ input: css.code ?? "" }}
          />
          {hasKept ? (
            <div>
              <div className={css.label}>Secret key</div>
              {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own */}
              <div className={css.kept} role="group" aria-label="Secret key">
                <IconKey size={16} stroke={1.75} aria-hidden />
                <span>
                  Set
                  <span className={css.by}>
                    {base.key_set_by && ` by ${base.key_set_by} `}
                    {base.key_set_at && <Time at={base.key_set_at} />}
                  </span>
                </span>
                <Button variant="subtle" data-size="xs" onClick={() => set({ isReplacing: true })}>
                  Replace
                </Button>
              </div>
              <p className={css.help}>
                Kept encrypted and never shown again. Another address, bucket or key id asks for it anew.
              </p>
            </div>
          ) : (
            <PasswordInput
              label="Secret key"
              description={
                base.key_set && isElsewhere
                  ? "The key that is kept was given for another address, bucket or key id. Give the one for this."
                  : "Kept encrypted and never shown again. It needs to list, read, write and delete in this bucket."
              }
              inputWrapperOrder={["label", "input", "error", "description"]}
              value={draft.key}
              onChange={(event) => set({ key: event.currentTarget.value })}
              error={problem?.field("key")}
              autoComplete="off"
              spellCheck={false}
              maxLength={256}
              classNames={{ innerInput: css.code ?? "" }}
            />
          )}
        </>
      )}
      {isChanged && base.endpoint !== (isBucket ? endpoint : null) && (
        <p className={css.text}>
          New backups go there from now on, each instance's first one whole. Those that are made already stay where they
          are, can be restored, and go at their time.
        </p>
      )}
      {general && <Note tone="bad">{general}</Note>}
      <div className={css.buttons}>
        <Button
          type="submit"
          variant="filled"
          disabled={!isReady}
          title={
            isReady ? undefined : isChanged ? "Fill in the address, the bucket and the key" : "Change something first"
          }
          loading={change.isPending}
        >
          Save
        </Button>
        {isBucket && (
          <Button
            leftSection={<IconPlayerPlay size={16} stroke={1.75} aria-hidden />}
            disabled={whyNoTest !== undefined}
            title={whyNoTest}
            loading={tested.isPending}
            onClick={() => tested.mutate()}
          >
            Test
          </Button>
        )}
        {draft.isReplacing && <Button onClick={() => set({ isReplacing: false, key: "" })}>Keep the old key</Button>}
      </div>
      {tested.error && !tested.isPending && <Note tone="bad">{tested.error.detail}</Note>}
      {tested.data && !isChanged && (
        <div className={css.answer} role="status">
          <IconCircleCheckFilled size={16} aria-hidden />
          <span>Something was written into the bucket, read and removed.</span>
        </div>
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
        New backups go to the disk of each instance's server. Those in the bucket stay there, can be restored, and go at
        their time; the key is forgotten with the last of them.
      </ConfirmDialog>
    </form>
  );
}
