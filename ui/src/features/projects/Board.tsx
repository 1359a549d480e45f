import { ActionIcon } from "@mantine/core";
import { IconCode, IconFlask, IconGitBranch, IconPlus, IconWorld } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { Project, Stage } from "@/api/nouns";
import { useAllInstances, useBranches } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { NewInstanceDialog } from "@/features/instances";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, Failed, LoadingRows, later, Panel } from "@/kit";
import { BranchCard } from "./BranchCard";
import { columns } from "./board";
import { HowToPush } from "./HowToPush";
import { Lifted } from "./Lifted";
import { MergeDialog } from "./later";
import css from "./projects.module.css";
import { type Place, same, useLift } from "./useLift";

const RemoteState = later(async () => (await import("./repository")).RemoteState);

const STAGES = [
  { stage: "production", name: "Production", Icon: IconWorld },
  { stage: "staging", name: "Staging", Icon: IconFlask },
  { stage: "development", name: "Development", Icon: IconCode },
] as const;

/** Branches by the stage they run in, each with the instances that deploy it there; one is merged by being put on another. */
export function Board({ project }: { project: Project }) {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage") && !viewing();
  const merges = project.may.includes("merge") && !viewing();
  const branches = useBranches(workspace.slug, project.id);
  const instances = useAllInstances(workspace.slug, { project: project.id });
  const [wanted, setWanted] = useState<{ stage: Stage; branch?: string } | null>(null);
  const [merge, setMerge] = useState<{ source: string; target: string } | null>(null);
  const board = useMemo(() => columns(branches.data ?? []), [branches.data]);
  const gone = useMemo(
    () => new Set((branches.data ?? []).filter(({ commit }) => !commit).map(({ name }) => name)),
    [branches.data],
  );
  const places = useMemo(
    () =>
      STAGES.flatMap(({ stage }): Place[] => [
        { stage },
        ...board[stage].map(({ branch }) => ({ stage, branch: branch.name })),
      ]),
    [board],
  );
  const { lift, ghost, follow, grab, liftByKeys } = useLift({
    places,
    // Of a column, an owner makes an instance; into a branch, whoever merges anywhere: the review says whether here.
    fits: (branch, place) =>
      place.branch === undefined ? isOwner : merges && place.branch !== branch && !gone.has(place.branch),
    onDrop: (source, { stage, branch: target }) =>
      target === undefined ? setWanted({ stage, branch: source }) : setMerge({ source, target }),
  });
  if (branches.error) return <Failed error={branches.error} retry={() => void branches.refetch()} inline />;
  if (!branches.data) return <LoadingRows rows={5} />;
  if (branches.data.length === 0)
    return (
      <Panel>
        {project.repository.remote ? (
          <>
            <Empty icon={IconGitBranch} title="Nothing was fetched yet" inline>
              {isOwner ? "How the repository is reached stands among the project's settings." : "Ask an owner."}
            </Empty>
            <div className={css.push}>
              <RemoteState remote={project.repository.remote} />
            </div>
          </>
        ) : (
          <>
            <Empty icon={IconGitBranch} title="Nothing was pushed yet" inline>
              In the folder of your application:
            </Empty>
            <div className={css.push}>
              <HowToPush project={project} />
            </div>
          </>
        )}
      </Panel>
    );
  const known = new Map(instances.data?.map((instance) => [instance.id, instance]));
  const card = { base: project.default_branch, workspace: workspace.slug, known };
  return (
    <>
      {project.repository.remote?.problem && (
        <div className={css.away}>
          <RemoteState remote={project.repository.remote} />
        </div>
      )}
      <div className={css.board} data-lifted={lift?.by}>
        {STAGES.map(({ stage, name, Icon }) => (
          <section
            key={stage}
            aria-label={name}
            className={css.column}
            data-stage={stage}
            data-over={(lift && same(lift.over, { stage })) || undefined}
          >
            <div className={css.columnHead}>
              <Icon size={16} stroke={1.75} aria-hidden />
              {name} <span className={`${css.count} numbers`}>{board[stage].length}</span>
              {isOwner && (
                <ActionIcon aria-label={`New instance in ${name}`} onClick={() => setWanted({ stage })}>
                  <IconPlus size={16} stroke={1.75} />
                </ActionIcon>
              )}
            </div>
            {board[stage].length === 0 && (
              <p className={css.none}>{isOwner ? "No branch runs here." : "Nothing that you may see runs here."}</p>
            )}
            {board[stage].map((one) => {
              const branch = one.branch.name;
              return (
                <div
                  key={branch}
                  className={css.slot}
                  data-left={(lift?.branch === branch && lift.from === stage) || undefined}
                >
                  <BranchCard
                    {...card}
                    card={one}
                    stage={stage}
                    isOver={Boolean(lift && same(lift.over, { stage, branch }))}
                    {...((merges || isOwner) &&
                      one.branch.commit && {
                        lift: {
                          grab: (event) => grab(branch, stage, event),
                          byKeys: () => liftByKeys(branch, stage),
                        },
                      })}
                    // Where none runs yet; others have the column's own button.
                    {...(isOwner && one.instances.length === 0 && { onNew: () => setWanted({ stage, branch }) })}
                  />
                  {lift?.branch === branch && lift.from === stage && <span className={css.left}>{branch}</span>}
                </div>
              );
            })}
          </section>
        ))}
        {lift && (
          <Lifted workspace={workspace.slug} project={project.id} lift={lift} ghost={ghost} onShown={follow}>
            {board[lift.from]
              .filter(({ branch }) => branch.name === lift.branch)
              .map((one) => (
                <BranchCard key={one.branch.name} {...card} card={one} />
              ))}
          </Lifted>
        )}
        {wanted && <NewInstanceDialog onClose={() => setWanted(null)} given={{ project: project.id, ...wanted }} />}
        {merge && (
          <MergeDialog workspace={workspace.slug} project={project.id} given={merge} onClose={() => setMerge(null)} />
        )}
      </div>
    </>
  );
}
