import { Autocomplete, Button, Textarea } from "@mantine/core";
import { IconArrowRight, IconGitMerge, IconSparkles } from "@tabler/icons-react";
import { useState } from "react";
import { type Merged, mergeBranches } from "@/api/generated";
import { useAct, useBranches } from "@/api/queries";
import { Description } from "@/features/ai";
import { useWorkspace } from "@/frame/useWorkspace";
import { Dialog, Go, Note } from "@/kit";
import { MergeSummary } from "./MergeSummary";
import css from "./merge.module.css";
import { useMergePreview } from "./merging";

type Props = {
  workspace: string;
  project: string;
  given?: { source?: string; target?: string };
  onClose: () => void;
};

/** Choose, look at what it would do, merge. */
export function MergeDialog({ workspace, project, given = {}, onClose }: Props) {
  const { ai, may } = useWorkspace();
  const branches = useBranches(workspace, project);
  const there = (branches.data ?? []).filter(({ commit }) => commit);
  const [source, setSource] = useState(given.source ?? "");
  const [target, setTarget] = useState(given.target ?? "");
  const [message, setMessage] = useState<string | null>(null);
  const [isDescribed, setDescribed] = useState(false);
  const preview = useMergePreview(workspace, project, source, target);
  const { data } = preview;
  const merge = useAct<void, Merged>(workspace, {
    act: async () =>
      (await mergeBranches(workspace, project, {
        source,
        target,
        // What was looked at, and nothing that came since.
        ...(data && { source_commit: data.source.commit, target_commit: data.target.commit }),
        ...(message?.trim() && { message }),
      })) as Merged,
    nouns: ["projects", "instances", "jobs", "deployments"],
  });
  if (merge.data)
    return (
      <Dialog
        opened
        onClose={onClose}
        title={merge.data.status === "merged" ? `${source} is merged into ${target}` : "Nothing to merge"}
        size={640}
        foot={
          <Button variant="filled" onClick={onClose} data-autofocus>
            Done
          </Button>
        }
      >
        <Outcome workspace={workspace} target={target} merged={merge.data} />
      </Dialog>
    );
  const ready = data?.status === "clean";
  // Then neither branch is asked for: the message is what comes next, once the review is there.
  const isGiven = Boolean(given.source && given.target);
  const choose = (set: (value: string) => void) => (value: string) => {
    set(value);
    setDescribed(false);
    merge.reset();
  };
  const why =
    !source || !target
      ? "Choose both branches first"
      : data?.status === "conflicts"
        ? "Resolve the conflicts first"
        : data?.status === "up_to_date"
          ? "There is nothing to merge"
          : undefined;
  const names = there.map(({ name }) => name);
  return (
    <Dialog
      opened
      onClose={onClose}
      title={given.source && given.target ? `Merge ${given.source} into ${given.target}` : "Merge a branch"}
      sentence="Makes a merge commit with you as its author. Nothing is merged before you say so."
      size={640}
      onSubmit={() => ready && merge.mutate()}
      foot={
        <>
          <Button onClick={onClose} data-autofocus={isGiven || undefined}>
            Cancel
          </Button>
          <Button
            type="submit"
            variant="filled"
            leftSection={<IconGitMerge size={16} stroke={1.75} />}
            disabled={!ready}
            title={ready ? undefined : why}
            loading={merge.isPending}
          >
            Merge
          </Button>
        </>
      }
    >
      <div className={css.form}>
        <div className={css.ends}>
          <Autocomplete
            label="Source"
            data={names}
            value={source}
            onChange={choose(setSource)}
            data-autofocus={!given.source || undefined}
          />
          <IconArrowRight size={16} stroke={1.75} aria-label="into" />
          <Autocomplete
            label="Target"
            data={names.filter((name) => name !== source)}
            value={target}
            onChange={choose(setTarget)}
            data-autofocus={Boolean(given.source && !given.target) || undefined}
          />
        </div>
        {source !== "" && source === target && <Note tone="warn">A branch can't be merged into itself.</Note>}
        {source !== "" && target !== "" && source !== target && (
          <div className={css.review}>
            <MergeSummary source={source} target={target} preview={preview} />
          </div>
        )}
        {data?.status === "conflicts" && (
          <Note tone="warn">
            Merge {target} into {source} in a clone or in the Web IDE, resolve the conflicts there, and push {source}.
          </Note>
        )}
        {ai && data && data.status !== "up_to_date" && !isDescribed && (
          <div>
            <Button leftSection={<IconSparkles size={16} stroke={1.75} />} onClick={() => setDescribed(true)}>
              Describe this merge
            </Button>
          </div>
        )}
        {ai && data && isDescribed && (
          <Description
            key={`${data.source.commit} ${data.target.commit}`}
            workspace={workspace}
            project={project}
            wish={{ source, target }}
            onClose={() => setDescribed(false)}
          />
        )}
        {!ai && may.includes("manage") && data && data.status !== "up_to_date" && (
          <p className={css.hint}>
            <IconSparkles size={15} stroke={1.75} aria-hidden />
            <span>
              With an AI provider set under <Go to={`/${workspace}/settings/ai`}>Settings, AI</Go>, what a merge changes
              is described here.
            </span>
          </p>
        )}
        {ready && (
          <Textarea
            label="Message"
            description="What the merge commit says."
            placeholder={data.message}
            value={message ?? ""}
            onChange={(event) => setMessage(event.currentTarget.value)}
            autosize
            minRows={2}
            maxRows={8}
            autoFocus={isGiven}
            data-autofocus={isGiven || undefined}
            maxLength={10_000}
            error={merge.error?.field("message")}
          />
        )}
        {merge.error && merge.error.errors.length === 0 && <Note tone="bad">{merge.error.detail}</Note>}
      </div>
    </Dialog>
  );
}

function Outcome({ workspace, target, merged }: { workspace: string; target: string; merged: Merged }) {
  const { status, deployments } = merged;
  if (status === "up_to_date") return <p>{target} had all of its commits already.</p>;
  if (deployments.length === 0) return <p>No instance deploys {target}, so nothing else happens.</p>;
  return (
    <>
      <p className={css.plain}>It is being deployed:</p>
      <ul className={css.deployments}>
        {deployments.map(({ id, number, instance }) => (
          <li key={id}>
            <Go to={`/${workspace}/instances/${instance.slug}/deployments/${id}`}>{instance.name}</Go>
            <span>deployment {number}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
