import { ActionIcon } from "@mantine/core";
import { IconCode, IconExternalLink, IconFlask, IconGitBranch, IconPlus, IconWorld } from "@tabler/icons-react";
import { type DragEvent, useState } from "react";
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

const DRAGGED = "application/x-stoa-branch";

/** Branches by the stage they run in. A branch that is dropped on a column becomes an instance there. */
export function Board({ project }: { project: Project }) {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const branches = useBranches(workspace.slug, project.id);
  const instances = useAllInstances(workspace.slug, { project: project.id });
  const [over, setOver] = useState<Stage | null>(null);
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
  const dropped = (stage: Stage) => (event: DragEvent) => {
    event.preventDefault();
    setOver(null);
    const branch = event.dataTransfer.getData(DRAGGED);
    if (branch) setWanted({ stage, branch });
  };
  return (
    <div className={css.board}>
      {STAGES.map(({ stage, name, Icon }) => (
        <section
          key={stage}
          aria-label={name}
          className={`${css.column} ${over === stage ? css.over : ""}`}
          onDragOver={(event) => {
            if (!isOwner || !event.dataTransfer.types.includes(DRAGGED)) return;
            event.preventDefault();
            setOver(stage);
          }}
          onDragLeave={() => setOver(null)}
          onDrop={dropped(stage)}
        >
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
              isDraggable={isOwner}
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
  isDraggable: boolean;
}) {
  const { branch, instances } = props.card;
  const { commit } = branch;
  return (
    <article
      className={css.card}
      draggable={props.isDraggable}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, branch.name);
        event.dataTransfer.effectAllowed = "copy";
      }}
    >
      <div className={css.line}>
        <IconGitBranch size={15} stroke={1.75} aria-hidden />
        <strong title={branch.name}>{branch.name}</strong>
        <span className={css.quiet}>{distance(branch, props.base)}</span>
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
