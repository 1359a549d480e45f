import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { createProject } from "@/api/generated";
import type { Project } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { ExampleRows } from "@/features/examples";
import { Dialog, Note, WaitingButton } from "@/kit";
import { isBySsh } from "./address";
import { credentialOf, NOTHING, type RemoteDraft, RemoteFields } from "./RemoteFields";

const KINDS = [
  { value: "hosted", label: "Hosted by Stoa" },
  { value: "remote", label: "Connect a repository" },
  { value: "example", label: "An example" },
];

const SENTENCES: Record<string, string> = {
  hosted: "An application and its repository, which Stoa hosts.",
  remote: "An application whose repository already lives elsewhere. Stoa fetches it, and deploys what is pushed there.",
  example: "An application that comes along with Stoa: its project, and an instance that deploys it.",
};

export function NewProjectDialog(props: {
  workspace: string;
  onClose: () => void;
  stays?: boolean;
  kind?: "hosted" | "remote";
}) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [kind, setKind] = useState<string>(props.kind ?? "hosted");
  const [draft, setDraft] = useState(NOTHING);
  const isRemote = kind === "remote";
  const isExample = kind === "example";
  const isReady = Boolean(name.trim() && (!isRemote || draft.url.trim()));
  const create = useAct<void, Project>(props.workspace, {
    act: () =>
      createProject(props.workspace, {
        name: name.trim(),
        repository: isRemote ? { kind: "remote", url: draft.url.trim(), ...credentialOf(draft) } : { kind: "hosted" },
      }),
    nouns: ["projects"],
    onDone: (project) => {
      props.onClose();
      if (props.stays) return;
      // By ssh there is a key to be given away first, which stands among the settings.
      const page = isRemote && isBySsh(draft.url) ? "/settings" : "";
      void navigate({ to: `/${props.workspace}/projects/${project.slug}${page}`, ignoreBlocker: true });
    },
  });
  // What was wrong with what stood there before.
  const change = (next: RemoteDraft) => {
    setDraft(next);
    create.reset();
  };
  return (
    <Dialog
      opened
      onClose={props.onClose}
      unsaved={name.trim() !== ""}
      title="New project"
      sentence={SENTENCES[kind]}
      size={560}
      onSubmit={() => isReady && !isExample && create.mutate()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          {!isExample && (
            <WaitingButton
              type="submit"
              variant="filled"
              why={isReady ? undefined : name.trim() ? "Enter the repository's address first" : "Give it a name first"}
              loading={create.isPending}
            >
              {isRemote ? "Connect" : "Create project"}
            </WaitingButton>
          )}
        </>
      }
    >
      <div style={{ display: "grid", gap: 16, gridTemplateColumns: "minmax(0, 1fr)" }}>
        {!isExample && (
          <TextInput
            label="Name"
            placeholder="Guestbook"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={create.error?.field("name")}
            maxLength={80}
            data-autofocus
          />
        )}
        <SegmentedControl aria-label="Where its repository is" data={KINDS} value={kind} onChange={setKind} fullWidth />
        {isExample && <ExampleRows workspace={props.workspace} onDone={props.onClose} />}
        {isRemote && <RemoteFields draft={draft} onChange={change} problem={create.error} below="repository." />}
        {create.error && create.error.errors.length === 0 && <Note tone="bad">{create.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
