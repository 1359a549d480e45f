import { Button } from "@mantine/core";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import {
  changeRemote,
  fetchRemote,
  makeWebhook,
  type Remote,
  type RemoteTest,
  removeRemoteCredential,
  removeWebhook,
  testRemote,
  type Webhook,
} from "@/api/generated";
import type { Project } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { CodeToCopy, ConfirmDialog, Dialog, Failed, LoadingRows, Note, Time, useHeldDraft, WaitingButton } from "@/kit";
import { isBySsh } from "./address";
import { credentialOf, NOTHING, type RemoteDraft, RemoteFields } from "./RemoteFields";
import { RemoteState } from "./RemoteState";
import { AFTER, useRemote } from "./remote";
import css from "./remote.module.css";

/** How a project's remote repository is reached: its address, what opens it, its host's key, and its webhook. */
export function RemoteSettings({ workspace, project }: { workspace: string; project: Project }) {
  const remote = useRemote(workspace, project.id);
  if (remote.error) return <Failed error={remote.error} retry={() => void remote.refetch()} inline />;
  if (!remote.data) return <LoadingRows />;
  const about = { workspace, project: project.id, remote: remote.data };
  return (
    <div>
      <Connection {...about} />
      {remote.data.public_key && <DeployKey {...about} deployKey={remote.data.public_key} />}
      {isBySsh(remote.data.url) && <HostKey {...about} />}
      <Hook {...about} />
    </div>
  );
}

type About = { workspace: string; project: string; remote: Tagged<Remote> };

function Connection({ workspace, project, remote }: About) {
  const [isChanging, setChanging] = useState(false);
  const test = useAct<void, RemoteTest>(workspace, {
    act: () => testRemote(workspace, project, {}),
    nouns: [...AFTER],
  });
  const fetch = useAct<void>(workspace, { act: () => fetchRemote(workspace, project, {}), nouns: [...AFTER] });
  const error = test.error ?? fetch.error;
  return (
    <section className={css.part} aria-label="Connection">
      <CodeToCopy text={remote.url} label="Copy the address" />
      <RemoteState remote={remote} />
      {test.data &&
        !test.isPending &&
        (test.data.ok ? (
          <Note tone="good">
            It answers: {test.data.branches === 1 ? "one branch" : `${test.data.branches} branches`}.
          </Note>
        ) : (
          <Note tone="bad">
            {test.data.problem?.detail}
            {test.data.problem?.said && <code className={css.said}>{test.data.problem.said}</code>}
          </Note>
        ))}
      {error && <Note tone="bad">{error.detail}</Note>}
      <div className={css.acts}>
        <Button loading={test.isPending} onClick={() => test.mutate()}>
          Test the connection
        </Button>
        <Button loading={fetch.isPending || remote.status === "fetching"} onClick={() => fetch.mutate()}>
          Fetch now
        </Button>
        <Button onClick={() => setChanging(true)}>Change…</Button>
      </div>
      {isChanging && (
        <ChangeDialog workspace={workspace} project={project} remote={remote} onClose={() => setChanging(false)} />
      )}
    </section>
  );
}

const draftOf = ({ url, user }: Remote): RemoteDraft => ({ ...NOTHING, url, user: user ?? "" });
const differs = ({ url, token }: RemoteDraft, base: Remote) => url.trim() !== base.url || token !== "";

function ChangeDialog({ workspace, project, remote, onClose }: About & { onClose: () => void }) {
  const form = useHeldDraft(remote, draftOf, differs);
  const { draft, isChanged } = form;
  const save = useAct<void, Remote>(workspace, {
    act: () =>
      changeRemote(workspace, project, { url: draft.url.trim(), ...credentialOf(draft) }, ifMatch(form.base.etag)),
    nouns: [...AFTER],
    onDone: onClose,
  });
  const remove = useAct<void, Remote>(workspace, {
    act: () => removeRemoteCredential(workspace, project),
    nouns: [...AFTER],
    onDone: onClose,
  });
  const error = save.error ?? remove.error;
  return (
    <Dialog
      opened
      onClose={onClose}
      title="Change the connection"
      sentence="At another host the token and the known key of the old one count no more."
      onSubmit={() => isChanged && save.mutate()}
      foot={
        <>
          {remote.credential !== "none" && (
            <Button loading={remove.isPending} onClick={() => remove.mutate()} style={{ marginRight: "auto" }}>
              {remote.credential === "token" ? "Take the token away" : "Make another key"}
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            why={isChanged ? undefined : "Change something first"}
            loading={save.isPending}
          >
            Save
          </WaitingButton>
        </>
      }
    >
      <div className={css.form}>
        {isChanged && form.isStale && !save.isPending && (
          <Note tone="warn">Somebody changed the connection meanwhile. Close this to see it as it is now.</Note>
        )}
        <RemoteFields
          draft={draft}
          onChange={(next) => {
            form.set(next);
            save.reset();
          }}
          problem={save.error}
          tokenIsSet={remote.credential === "token"}
          focused
        />
        {error && error.errors.length === 0 && <Note tone="bad">{error.detail}</Note>}
      </div>
    </Dialog>
  );
}

function DeployKey({ deployKey }: About & { deployKey: string }) {
  return (
    <section className={css.part} aria-label="Deploy key">
      <h3>Deploy key</h3>
      <p>Stoa made this key; add it to the repository there. Reading is enough to deploy; merging needs writing.</p>
      <CodeToCopy text={deployKey} label="Copy the key" />
    </section>
  );
}

function HostKey({ workspace, project, remote }: About) {
  const [isAsked, setAsked] = useState(false);
  const offered = remote.offered_host_key;
  const accept = useAct<void, Remote>(workspace, {
    act: () => changeRemote(workspace, project, { host_key: offered ?? "" }, ifMatch(remote.etag)),
    nouns: [...AFTER],
    onDone: () => setAsked(false),
  });
  return (
    <section className={css.part} aria-label="Key of the host">
      <h3>Key of the host</h3>
      {remote.host_key ? (
        <>
          <p>It was kept when the host was first met. Whoever shows another one is refused.</p>
          <code className={css.print}>
            {remote.host_key.kind} {remote.host_key.fingerprint}
          </code>
        </>
      ) : (
        <p>The host wasn't met yet. The first key that it shows is kept.</p>
      )}
      {offered && (
        <>
          <Note tone="warn">
            The host now shows another key. Somebody may stand in between, or its operator has changed it: compare it
            with what the operator names.
            <code className={css.said}>{offered}</code>
          </Note>
          <div className={css.acts}>
            <Button onClick={() => setAsked(true)}>Accept the new key…</Button>
          </div>
        </>
      )}
      <ConfirmDialog
        opened={isAsked}
        onClose={() => setAsked(false)}
        title="Accept the new key?"
        action="Accept the new key"
        busy={accept.isPending}
        problem={accept.error}
        onConfirm={() => accept.mutate()}
      >
        From then on only a host that shows <code className={css.print}>{offered}</code> is fetched.
      </ConfirmDialog>
    </section>
  );
}

function Hook({ workspace, project, remote }: About) {
  const [made, setMade] = useState<Webhook | null>(null);
  const [asked, setAsked] = useState<"make" | "remove" | null>(null);
  const make = useAct<void, Webhook>(workspace, {
    act: () => makeWebhook(workspace, project, {}),
    nouns: [...AFTER],
    onDone: (answer) => {
      setAsked(null);
      setMade(answer);
    },
  });
  const remove = useAct<void>(workspace, {
    act: () => removeWebhook(workspace, project),
    nouns: [...AFTER],
    onDone: () => setAsked(null),
  });
  const ask = (what: typeof asked) => {
    make.reset();
    remove.reset();
    setAsked(what);
  };
  return (
    <section className={css.part} aria-label="Webhook">
      <h3>Webhook</h3>
      <p>
        By which the repository says that something was pushed, so that it is deployed at once. Without one Stoa looks
        every few minutes.
      </p>
      {remote.webhook_url && (
        <>
          <CodeToCopy text={remote.webhook_url} label="Copy the webhook's address" />
          <p>
            {remote.webhook_heard_at ? (
              <>
                Last called <Time at={remote.webhook_heard_at} />.
              </>
            ) : (
              "It wasn't called yet."
            )}
          </p>
        </>
      )}
      {make.error && asked === null && <Note tone="bad">{make.error.detail}</Note>}
      <div className={css.acts}>
        {remote.webhook_url ? (
          <>
            <Button onClick={() => ask("make")}>Make another…</Button>
            <Button onClick={() => ask("remove")}>Remove…</Button>
          </>
        ) : (
          <Button loading={make.isPending} onClick={() => make.mutate()}>
            Make a webhook
          </Button>
        )}
      </div>
      <ConfirmDialog
        opened={asked === "make"}
        onClose={() => setAsked(null)}
        title="Replace the webhook?"
        action="Make another"
        busy={make.isPending}
        problem={make.error}
        onConfirm={() => make.mutate()}
      >
        The address and the secret in use end at once. Until the new ones are entered where the repository is, its calls
        are refused, and what is pushed there is found only when Stoa looks.
      </ConfirmDialog>
      <ConfirmDialog
        opened={asked === "remove"}
        onClose={() => setAsked(null)}
        title="Remove the webhook?"
        action="Remove"
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        Its address and its secret end at once, and don't come back: another webhook has others. What is pushed is then
        found only when Stoa looks.
      </ConfirmDialog>
      {made && (
        <Dialog
          opened
          onlyByButton
          onClose={() => setMade(null)}
          size={600}
          title="The webhook is made"
          sentence="Enter both where the repository is: the content type is JSON, the event a push."
          foot={
            <Button variant="filled" onClick={() => setMade(null)}>
              I have kept the secret
            </Button>
          }
        >
          <div className={css.form}>
            <div className={css.part}>
              <h3>Address</h3>
              <CodeToCopy text={made.url} label="Copy the address" />
            </div>
            <div className={css.part}>
              <h3>Secret</h3>
              <CodeToCopy text={made.secret} label="Copy the secret" />
            </div>
            <Note tone="warn">The secret isn't shown again.</Note>
          </div>
        </Dialog>
      )}
    </section>
  );
}
