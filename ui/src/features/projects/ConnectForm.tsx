import { useState } from "react";
import { createProject } from "@/api/generated";
import type { Project } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Note, WaitingButton } from "@/kit";
import { credentialOf, NOTHING, type RemoteDraft, RemoteFields } from "./RemoteFields";
import css from "./remote.module.css";

/** What a project is called whose repository has this address. */
const nameOf = (url: string) =>
  url
    .trim()
    .replace(/\/+$/, "")
    .replace(/\.git$/, "")
    .split(/[/:]/)
    .pop() || "app";

/** Connects a repository by its address alone. */
export function ConnectForm(props: {
  workspace: string;
  /** What has to be there first. */
  prepare: () => Promise<boolean>;
}) {
  const [draft, setDraft] = useState(NOTHING);
  const create = useAct<void, Project>(props.workspace, {
    act: async () => {
      await props.prepare();
      return createProject(props.workspace, {
        name: nameOf(draft.url).slice(0, 80),
        repository: { kind: "remote", url: draft.url.trim(), ...credentialOf(draft) },
      });
    },
    nouns: ["projects", "counts"],
  });
  // What was wrong with what stood there before.
  const change = (next: RemoteDraft) => {
    setDraft(next);
    create.reset();
  };
  return (
    <form
      className={css.connect}
      onSubmit={(event) => {
        event.preventDefault();
        if (draft.url.trim()) create.mutate();
      }}
    >
      <RemoteFields draft={draft} onChange={change} problem={create.error} below="repository." />
      {create.error && create.error.errors.length === 0 && <Note tone="bad">{create.error.detail}</Note>}
      <WaitingButton
        type="submit"
        data-size="lg"
        loading={create.isPending}
        why={draft.url.trim() ? undefined : "Enter the repository's address first"}
      >
        Connect
      </WaitingButton>
    </form>
  );
}
