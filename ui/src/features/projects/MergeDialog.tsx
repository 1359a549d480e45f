import { Autocomplete, Button, Textarea } from "@mantine/core";
import { IconArrowRight, IconGitMerge, IconSparkles } from "@tabler/icons-react";
import { useState } from "react";
import { type MergeDeployment, type Merged, mergeBranches, viewDeployment } from "@/api/generated";
import { useAct, useBranches, useInstance, useObject, useProject } from "@/api/queries";
import { Description } from "@/features/ai";
import { listsProject } from "@/frame/sections";
import { useWorkspace } from "@/frame/useWorkspace";
import { CodeToCopy, Dialog, Go, MissingAction, Note, StatusBadge, WaitingButton } from "@/kit";
import { MergeFile } from "./MergeFile";
import { MergeSummary } from "./MergeSummary";
import css from "./merge.module.css";
import { mergeInClone, useMergePreview, useWhole } from "./merging";

type Props = {
  workspace: string;
  project: string;
  given?: { source?: string; target?: string };
  onClose: () => void;
};

/** Choose, look at what it would do, merge. */
export function MergeDialog({ workspace, project, given = {}, onClose }: Props) {
  const here = useWorkspace();
  const { ai, may } = here;
  // Whoever merges needn't be one whom the project is open to: then branches are typed, and nothing is asked of it.
  const isOpen = listsProject(here, project);
  const branches = useBranches(workspace, project, isOpen);
  const there = ((isOpen && branches.data) || []).filter(({ commit }) => commit);
  const [source, setSource] = useState(given.source ?? "");
  const [target, setTarget] = useState(given.target ?? "");
  const [message, setMessage] = useState<string | null>(null);
  const [isDescribed, setDescribed] = useState(false);
  const names = there.map(({ name }) => name);
  const [wholeSource, wholeTarget] = [useWhole(source, names), useWhole(target, names)];
  const isTyping = wholeSource === null || wholeTarget === null;
  const asked = useMergePreview(workspace, project, isTyping ? "" : source, isTyping ? "" : target);
  const preview = isTyping ? { ...asked, isAsking: true } : asked;
  const { data } = preview;
  const { slug, repository } = useProject(workspace, project, isOpen).data ?? {};
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
          <WaitingButton
            type="submit"
            variant="filled"
            leftSection={<IconGitMerge size={16} stroke={1.75} />}
            why={ready ? undefined : why}
            loading={merge.isPending}
          >
            Merge
          </WaitingButton>
        </>
      }
    >
      <div className={css.form}>
        <div className={css.ends}>
          <Autocomplete
            classNames={{ option: css.branch ?? "" }}
            label="Source"
            data={names}
            value={source}
            onChange={choose(setSource)}
            data-autofocus={!given.source || undefined}
          />
          <IconArrowRight size={16} stroke={1.75} aria-label="into" />
          <Autocomplete
            classNames={{ option: css.branch ?? "" }}
            label="Target"
            data={names.filter((name) => name !== source)}
            value={target}
            onChange={choose(setTarget)}
            data-autofocus={Boolean(given.source && !given.target) || undefined}
          />
        </div>
        {!isOpen && (
          <p className={css.hint}>
            <span>
              Type each branch as the repository calls it: the list of them isn't open to you.{" "}
              <MissingAction action="view_projects" />
            </span>
          </p>
        )}
        {source !== "" && source === target && <Note tone="warn">A branch can't be merged into itself.</Note>}
        {source !== "" && target !== "" && source !== target && (
          <div className={css.review}>
            <MergeSummary
              source={source}
              target={target}
              preview={preview}
              {...(isOpen &&
                data && {
                  shown: (file, name) => (
                    <MergeFile
                      file={file}
                      of={{ workspace, project, source, target, at: `${data.source.commit} ${data.target.commit}` }}
                    >
                      {name}
                    </MergeFile>
                  ),
                })}
              {...(slug && { addressOf: (commit) => `/${workspace}/projects/${slug}/commits?commit=${commit}` })}
            />
          </div>
        )}
        {data?.status === "conflicts" && <InClone {...{ source, target, isOpen }} url={repository?.url} />}
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
      <p className={css.plain}>What it deploys:</p>
      <ul className={css.deployments}>
        {deployments.map((one) => (
          <Followed key={one.id} workspace={workspace} deployment={one} />
        ))}
      </ul>
    </>
  );
}

/** One of them until it has ended, as events tell of it: the instance itself where its deployments aren't shown. */
function Followed({ workspace, deployment }: { workspace: string; deployment: MergeDeployment }) {
  const { id, number } = deployment;
  const instance = useInstance(workspace, deployment.instance.slug).data;
  const mayRead = instance?.may.includes("read_logs") ?? false;
  const { slug, name } = deployment.instance;
  const found = useObject(
    workspace,
    "deployments",
    `/instances/${slug}/deployments/${id}`,
    (init) => viewDeployment(workspace, slug, id, init),
    mayRead,
  );
  const told = mayRead ? found.data?.status : instance?.status;
  // A deployment that runs, or an instance that runs still what it ran before.
  const status = told === "running" && (mayRead || instance?.job) ? "deploying" : told;
  return (
    <li>
      <Go to={`/${workspace}/instances/${slug}${mayRead ? `/deployments/${id}` : ""}`}>{name}</Go>
      <span>deployment {number}</span>
      <span role="status">{status && <StatusBadge status={status} bare />}</span>
    </li>
  );
}

/** A desk of the IDE has its one branch alone: two are brought together in a clone. */
function InClone(props: { source: string; target: string; isOpen: boolean; url: string | undefined }) {
  const { source, target, isOpen, url } = props;
  if (!isOpen)
    return (
      <Note tone="warn">
        The conflicts are resolved in a clone of the repository, which isn't open to you.{" "}
        <MissingAction action="view_projects" />
      </Note>
    );
  return (
    <div className={css.inClone}>
      <Note tone="warn">
        Merge {target} into {source} in a clone, resolve the conflicts there, commit, and push {source}. The Web IDE has
        one branch alone, so it can't be done in there.
      </Note>
      {url && <CodeToCopy text={mergeInClone(url, source, target)} label="Copy the commands" />}
    </div>
  );
}
