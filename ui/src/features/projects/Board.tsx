import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCode, IconExternalLink, IconFlask, IconGitBranch, IconPlus, IconWorld } from "@tabler/icons-react";
import { useState } from "react";
import { useAllInstances, useBranches } from "@/api/queries";
import type { Project, Stage } from "@/api/types";
import { NewInstanceDialog } from "@/features/instances";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, Failed, Go, LoadingRows, Panel, PersonAvatar, ShortCommit, StatusIcon, Time } from "@/kit";
import { type Card, columns, distance } from "./board";
import { HowToPush } from "./HowToPush";
import css from "./projects.module.css";

const STAGES = [
  { stage: "production", name: "Production", Icon: IconWorld },
  { stage: "staging", name: "Staging", Icon: IconFlask },
  { stage: "development", name: "Development", Icon: IconCode },
] as const;

/** Branches by the stage they run in, each with the instances that deploy it there. */
export function Board({ project }: { project: Project }) {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const branches = useBranches(workspace.slug, project.id);
  const instances = useAllInstances(workspace.slug, { project: project.id });
  const [wanted, setWanted] = useState<{ stage: Stage; branch?: string } | null>(null);
  if (branches.error) return <Failed error={branches.error} retry={() => void branches.refetch()} inline />;
  if (!branches.data) return <LoadingRows rows={5} />;
  if (branches.data.length === 0)
    return (
      <Panel padded>
        <Empty icon={IconGitBranch} title="Nothing was pushed yet" inline>
          In the folder of your application:
        </Empty>
        <HowToPush project={project} />
      </Panel>
    );
  const board = columns(branches.data);
  const urls = new Map(instances.data?.map(({ id, url }) => [id, url]));
  return (
    <div className={css.board}>
      {STAGES.map(({ stage, name, Icon }) => (
        <section key={stage} aria-label={name} className={css.column}>
          <div className={css.columnHead}>
            <Icon size={16} stroke={1.75} aria-hidden />
            {name} <span className={css.count}>{board[stage].length}</span>
            {isOwner && (
              <ActionIcon aria-label={`New instance in ${name}`} onClick={() => setWanted({ stage })}>
                <IconPlus size={16} stroke={1.75} />
              </ActionIcon>
            )}
          </div>
          {board[stage].map((card) => (
            <BranchCard
              key={card.branch.name}
              card={card}
              base={project.default_branch}
              workspace={workspace.slug}
              urls={urls}
              {...(isOwner && { onNew: () => setWanted({ stage, branch: card.branch.name }) })}
            />
          ))}
        </section>
      ))}
      {wanted && <NewInstanceDialog onClose={() => setWanted(null)} given={{ project: project.id, ...wanted }} />}
    </div>
  );
}

function BranchCard(props: {
  card: Card;
  base: string;
  workspace: string;
  urls: Map<string, string | null>;
  /** Makes an instance of the branch. Absent where the caller may not. */
  onNew?: () => void;
}) {
  const { branch, instances } = props.card;
  const { commit } = branch;
  return (
    <article className={css.card}>
      <div className={css.line}>
        <IconGitBranch size={15} stroke={1.75} aria-hidden />
        <strong title={branch.name}>{branch.name}</strong>
        <span className={`${css.quiet} ${css.distance}`}>{distance(branch, props.base)}</span>
        {props.onNew && (
          <Tooltip label="New instance of this branch">
            <ActionIcon size={24} aria-label={`New instance of ${branch.name}`} onClick={props.onNew}>
              <IconPlus size={15} stroke={1.75} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      <div className={css.subject} title={commit.subject}>
        {commit.subject}
      </div>
      <div className={css.line}>
        <PersonAvatar name={commit.author_name} size={18} />
        <span className={css.quiet}>{commit.author_name}</span>
        <ShortCommit commit={commit.id} />
        <span className={css.quiet}>
          <Time at={commit.at} />
        </span>
      </div>
      {instances.map((instance) => {
        const url = props.urls.get(instance.id);
        return (
          <div key={instance.id} className={css.instance}>
            <StatusIcon status={instance.status} />
            <Go to={`/${props.workspace}/instances/${instance.slug}`}>{instance.name}</Go>
            {url && (
              <a
                href={url}
                target="_blank"
                rel="noreferrer"
                aria-label={`Open ${instance.name}`}
                style={{ marginLeft: "auto", color: "var(--text3)" }}
              >
                <IconExternalLink size={15} stroke={1.75} aria-hidden />
              </a>
            )}
          </div>
        );
      })}
    </article>
  );
}
