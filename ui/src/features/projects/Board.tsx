import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCode, IconExternalLink, IconFlask, IconGitBranch, IconPlus, IconWorld } from "@tabler/icons-react";
import { useState } from "react";
import type { Instance, Project, Stage } from "@/api/nouns";
import { useAllInstances, useBranches } from "@/api/queries";
import { NewInstanceDialog } from "@/features/instances";
import { useWorkspace } from "@/frame/useWorkspace";
import { Cut, Empty, Failed, Go, LoadingRows, Panel, Person, ShortCommit, StatusIcon, Time } from "@/kit";
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
  const known = new Map(instances.data?.map((instance) => [instance.id, instance]));
  return (
    <div className={css.board}>
      {STAGES.map(({ stage, name, Icon }) => (
        <section key={stage} aria-label={name} className={css.column}>
          <div className={css.columnHead}>
            <Icon size={16} stroke={1.75} aria-hidden />
            {name} <span className={`${css.count} numbers`}>{board[stage].length}</span>
            {isOwner && (
              <ActionIcon aria-label={`New instance in ${name}`} onClick={() => setWanted({ stage })}>
                <IconPlus size={16} stroke={1.75} />
              </ActionIcon>
            )}
          </div>
          {board[stage].length === 0 && <p className={css.none}>No branch runs here.</p>}
          {board[stage].map((card) => (
            <BranchCard
              key={card.branch.name}
              card={card}
              base={project.default_branch}
              workspace={workspace.slug}
              known={known}
              // Where none runs yet; others have the column's own button.
              {...(isOwner &&
                card.instances.length === 0 && { onNew: () => setWanted({ stage, branch: card.branch.name }) })}
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
  /** What the list of instances says of them: server and address. */
  known: Map<string, Instance>;
  /** Makes an instance of the branch. Absent where the caller may not. */
  onNew?: () => void;
}) {
  const { branch, instances } = props.card;
  const { commit } = branch;
  return (
    <article className={css.card}>
      <div className={css.line}>
        <IconGitBranch size={15} stroke={1.75} aria-hidden />
        <strong>
          <Cut text={branch.name} />
        </strong>
        <span className={`${css.quiet} ${css.distance}`}>{distance(branch, props.base)}</span>
        {props.onNew && (
          <Tooltip label="New instance of this branch">
            <ActionIcon size={24} aria-label={`New instance of ${branch.name}`} onClick={props.onNew}>
              <IconPlus size={15} stroke={1.75} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      <Cut text={commit.subject} className={css.subject ?? ""} />
      <div className={`${css.line} ${css.by}`}>
        <Person name={commit.author_name} size={17} />
        <ShortCommit commit={commit.id} />
        <span className={css.when}>
          <Time at={commit.at} />
        </span>
      </div>
      {instances.map((instance) => {
        const { url, server } = props.known.get(instance.id) ?? {};
        return (
          <div key={instance.id} className={css.instance}>
            <StatusIcon status={instance.status} />
            <Go to={`/${props.workspace}/instances/${instance.slug}`}>
              <Cut text={instance.name} />
            </Go>
            {server && <Cut text={server.name} className={css.server ?? ""} />}
            {url && (
              <a
                className={css.visit}
                href={url}
                target="_blank"
                rel="noreferrer"
                aria-label={`Open the address of ${instance.name}`}
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
