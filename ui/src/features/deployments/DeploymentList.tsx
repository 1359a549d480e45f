import { type ReactNode, useEffect, useState } from "react";
import { deployInstance } from "@/api/generated";
import type { Deployment, Instance } from "@/api/nouns";
import { useAct, useDeployments } from "@/api/queries";
import { jobWord } from "@/frame/jobs";
import { useSubjects } from "@/frame/useSubjects";
import {
  AbleButton,
  duration,
  Empty,
  Failed,
  Go,
  LoadingRows,
  More,
  Note,
  Panel,
  Person,
  Said,
  ShortCommit,
  StatusBadge,
  Table,
  Time,
} from "@/kit";
import { causeWord } from "./causes";
import css from "./deployments.module.css";

export function took(deployment: Pick<Deployment, "started_at" | "ended_at">): string {
  if (!deployment.started_at || !deployment.ended_at) return "–";
  return duration(Date.parse(deployment.ended_at) - Date.parse(deployment.started_at));
}

type RowsProps = {
  workspace: string;
  instance: Instance;
  deployments: Deployment[];
  /** The one whose page is open. */
  open?: string;
  rollBack?: RollBack;
};

/** Going back to the release of an earlier deployment: at once, since it is undone in the same way. */
export type RollBack = {
  begin: (release: string) => void;
  /** The release that is gone back to. */
  going: string | undefined;
  /**
   * Until what was begun has ended. Its row comes to stand above the others, which move down: the second half of a slow
   * double click would meet another one's button.
   */
  isHeld: boolean;
  problem: ReactNode;
};

/** Rows that moved are looked at before they are clicked. */
const SETTLES = 1500;

const isUnderWay = ({ job }: Instance) => job?.kind === "deploy" || job?.kind === "restore";

export function useRollBack(workspace: string, instance: Instance): RollBack {
  const act = useAct<string>(workspace, {
    act: (release) => deployInstance(workspace, instance.id, { release }),
    nouns: ["instances", "deployments", "jobs"],
  });
  const isBusy = act.isPending || isUnderWay(instance);
  const [isHeld, setHeld] = useState(isBusy);
  useEffect(() => {
    if (isBusy) return setHeld(true);
    const timer = setTimeout(() => setHeld(false), SETTLES);
    return () => clearTimeout(timer);
  }, [isBusy]);
  return {
    begin: (release) => {
      if (isHeld || isBusy) return;
      setHeld(true);
      act.mutate(release);
    },
    going: act.isPending ? act.variables : undefined,
    isHeld: isHeld || isBusy,
    problem: act.error && (
      <div className={css.problem}>
        <Note tone="bad">{act.error.detail}</Note>
      </div>
    ),
  };
}

/** How it stands; of a restore, that it is one. */
export function OutcomeBadge({ deployment, bare }: { deployment: Deployment; bare?: boolean }) {
  const { status, cause } = deployment;
  if (status !== "running") return <StatusBadge status={status} {...(bare && { bare })} />;
  return (
    <StatusBadge
      status="deploying"
      word={cause === "restore" ? jobWord({ kind: "restore" }) : undefined}
      {...(bare && { bare })}
    />
  );
}

/** What the current deployment is: what runs, or what a start would run. */
export function currentWord({ status }: Pick<Instance, "status">): string {
  return status === "stopped" ? "Runs once started" : status === "failed" ? "Ran last" : "Runs now";
}

/** Deployments, newest first: what of, how it went, by whom, how long. */
export function DeploymentRows({ workspace, instance, deployments, open, rollBack }: RowsProps) {
  const subjects = useSubjects(
    deployments.map(({ branch, commit }) => ({ project: instance.project.id, branch, commit })),
  );
  return (
    <Table label="Deployments" head={["Deployment", "Outcome", "By", "Took", "When"]}>
      {deployments.map((deployment) => {
        const { id, release } = deployment;
        const subject = subjects.get(deployment.commit)?.subject;
        return (
          <tr key={id} aria-current={id === open || undefined}>
            <td className={css.main}>
              <div className={css.which}>
                <Go className={css.number ?? ""} to={`/${workspace}/instances/${instance.slug}/deployments/${id}`}>
                  #{deployment.number}
                </Go>
                <ShortCommit commit={deployment.commit} />
                <span className={css.subject}>
                  {subject ?? `of ${deployment.branch}`}
                  {causeWord(deployment.cause) && <span className={css.cause}>{causeWord(deployment.cause)}</span>}
                </span>
                {deployment.is_current && <span className={css.current}>{currentWord(instance)}</span>}
              </div>
              {deployment.reason && (
                <div className={css.reason}>
                  <Said text={deployment.reason} />
                </div>
              )}
            </td>
            <td data-label="Outcome">
              <span>
                <OutcomeBadge deployment={deployment} bare />
              </span>
            </td>
            <td data-label="By">
              {deployment.started_by ? <Person name={deployment.started_by.name} /> : <span>Stoa</span>}
            </td>
            <td data-label="Took" className={css.quiet}>
              {took(deployment)}
            </td>
            <td data-label="When" className={css.quiet}>
              <span className={css.when}>
                <Time at={deployment.created_at} />
                {rollBack && release && deployment.can_go_back && (
                  <AbleButton
                    of={instance}
                    verb="deploy"
                    data-size="xs"
                    variant="subtle"
                    aria-label={`Roll back to #${deployment.number}`}
                    loading={rollBack.going === release}
                    held={rollBack.isHeld && rollBack.going !== release ? "A deployment is under way." : undefined}
                    onClick={() => rollBack.begin(release)}
                  >
                    Roll back
                  </AbleButton>
                )}
              </span>
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

export function NothingDeployed({ instance }: { instance: Instance }) {
  return (
    <Panel>
      <Empty title="Nothing was deployed yet" inline>
        {instance.may.includes("deploy")
          ? `Push to the branch ${instance.branch}.`
          : `It is deployed when somebody pushes to the branch ${instance.branch}.`}
      </Empty>
    </Panel>
  );
}

export function DeploymentList(props: { workspace: string; instance: Instance; open?: string }) {
  const { workspace, instance, open } = props;
  const deployments = useDeployments(workspace, instance.id);
  const rollBack = useRollBack(workspace, instance);
  if (deployments.error) return <Failed error={deployments.error} retry={() => void deployments.refetch()} inline />;
  if (!deployments.items) return <LoadingRows />;
  if (deployments.items.length === 0) return <NothingDeployed instance={instance} />;
  return (
    <>
      {rollBack.problem}
      <Panel>
        <DeploymentRows
          workspace={workspace}
          instance={instance}
          deployments={deployments.items}
          {...(open && { open })}
          rollBack={rollBack}
        />
        <More {...deployments} />
      </Panel>
    </>
  );
}
