import { IconRocket, IconX } from "@tabler/icons-react";
import { cancelJob, deployInstance } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct, useBranches, useDeployments } from "@/api/queries";
import { DeploymentRows, NothingDeployed, useRollBack } from "@/features/deployments";
import { InstanceMetrics } from "@/features/metrics/later";
import { behind } from "@/features/projects/behind";
import { jobWord, stepWord } from "@/frame/jobs";
import { listsProject } from "@/frame/sections";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  AbleButton,
  Empty,
  Go,
  LoadingRows,
  Note,
  Panel,
  Row,
  Said,
  Section,
  ShortCommit,
  StageTag,
  StatusBadge,
  Time,
} from "@/kit";
import { cancelledBy } from "./goingOn";
import css from "./instances.module.css";
import { Processes } from "./Processes";

const LAST = 5;

export function InstanceOverview({ workspace, instance }: { workspace: string; instance: Instance }) {
  const mayRead = instance.may.includes("read_logs");
  const deployments = useDeployments(workspace, instance.id, mayRead);
  const rollBack = useRollBack(workspace, instance);
  const here = useWorkspace();
  const { ai } = here;
  // The newest one that failed: what the sentence above is about.
  const failed = deployments.items?.find(({ status }) => status === "failed");
  return (
    <div className={css.grid}>
      {instance.is_server_away && (
        <div className={css.reason}>
          <Note tone="warn">
            Its server isn't reached, so nobody knows how it is now. Last known:{" "}
            <StatusBadge status={instance.status} bare />
          </Note>
        </div>
      )}
      {instance.reason && (
        <div className={css.reason}>
          <Note tone={instance.status === "failed" ? "bad" : "warn"}>
            <Said text={instance.reason} />
            {instance.lacks_data && (
              <div className={css.reasonNext}>
                Its backup's data isn't in it yet, so it doesn't run.{" "}
                {instance.may.includes("backup") ? (
                  <Go to={`/${workspace}/instances/${instance.slug}/backups`}>Bring it again</Go>
                ) : (
                  "Somebody who manages backups restores it here, or an owner deletes it."
                )}
              </div>
            )}
            {failed && (
              <div className={css.reasonNext}>
                <Go to={`/${workspace}/instances/${instance.slug}/deployments/${failed.id}`}>
                  {ai ? "See the log, and have it explained" : "See the log"}
                </Go>
              </div>
            )}
          </Note>
        </div>
      )}
      <OldCommit workspace={workspace} instance={instance} />
      <div>
        <InstanceMetrics workspace={workspace} instance={instance} />
        <Section title="Last deployments">
          {!mayRead ? (
            <Panel>
              <Empty title="Deployments aren't shown to you" inline>
                They come with the permission Logs. Ask an owner of the workspace.
              </Empty>
            </Panel>
          ) : !deployments.items ? (
            <LoadingRows rows={3} />
          ) : deployments.items.length === 0 ? (
            <NothingDeployed instance={instance} />
          ) : (
            <Panel>
              {rollBack.problem}
              <DeploymentRows
                workspace={workspace}
                instance={instance}
                deployments={deployments.items.slice(0, LAST)}
                rollBack={rollBack}
              />
            </Panel>
          )}
        </Section>
      </div>
      <div>
        {instance.job && <RunningWork workspace={workspace} instance={instance} job={instance.job} />}
        <Processes workspace={workspace} instance={instance} />
        <Section title="About">
          <Panel>
            <dl className={css.list}>
              <dt>Project</dt>
              <dd>
                {listsProject(here, instance.project.id) ? (
                  <Go to={`/${workspace}/projects/${instance.project.slug}`}>{instance.project.name}</Go>
                ) : (
                  instance.project.name
                )}
              </dd>
              <dt>Stage</dt>
              <dd>
                <StageTag stage={instance.stage} />
              </dd>
              <dt>Open to</dt>
              <dd>{instance.visibility === "members" ? "Members who may see it" : "Everybody"}</dd>
              <dt>Address</dt>
              <dd>{instance.url ?? "–"}</dd>
              {instance.is_mail_off && (
                <>
                  <dt>Mail</dt>
                  <dd>Off: its data came from production</dd>
                </>
              )}
              <dt>Created</dt>
              <dd>
                <Time at={instance.created_at} />
              </dd>
            </dl>
          </Panel>
        </Section>
      </div>
    </div>
  );
}

type Job = NonNullable<Instance["job"]>;

/** What goes on here, and how to cancel it. */
function RunningWork({ workspace, instance, job }: { workspace: string; instance: Instance; job: Job }) {
  const cancel = useAct<void>(workspace, {
    act: () => cancelJob(workspace, job.id),
    nouns: ["instances", "jobs", "deployments"],
  });
  const by = cancelledBy(instance, job);
  return (
    <Section title="Running work">
      <Panel>
        <Row>
          <StatusBadge status={job.status === "queued" ? "queued" : "working"} word={jobWord(job)} />
          <span className={css.step}>{stepWord(job)}</span>
          {by && (
            <AbleButton
              // That something goes on is against much, and not against this.
              of={{ may: instance.may, blocked: {} }}
              verb={by}
              size="xs"
              leftSection={<IconX size={14} stroke={1.75} aria-hidden />}
              loading={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              Cancel
            </AbleButton>
          )}
        </Row>
        {cancel.error && <Note tone="bad">{cancel.error.detail}</Note>}
      </Panel>
    </Section>
  );
}

/** That its branch has a newer commit than it runs: after going back, or where a deployment didn't come to its end. */
function OldCommit({ workspace, instance }: { workspace: string; instance: Instance }) {
  const isOpen = listsProject(useWorkspace(), instance.project.id);
  const branches = useBranches(workspace, instance.project.id, isOpen);
  const deploy = useAct<void>(workspace, {
    act: () => deployInstance(workspace, instance.id, {}),
    nouns: ["instances", "jobs", "deployments"],
  });
  const old = behind(
    instance,
    branches.data?.find(({ name }) => name === instance.branch),
  );
  // That nothing runs yet is said by its status, and why by the sentence above.
  if (!old?.runs) return null;
  const runs = instance.status === "running" && !instance.is_server_away;
  return (
    <div className={css.reason}>
      <Note tone="warn">
        <div className={css.old}>
          <span>
            {runs ? "It runs" : "It has"} <ShortCommit commit={old.runs} /> and is behind its branch. The newest commit
            of {instance.branch} is <ShortCommit commit={old.newest.id} />
            {old.newest.subject && ` “${old.newest.subject}”`}.{deploy.error && ` ${deploy.error.detail}`}
          </span>
          <AbleButton
            of={instance}
            verb="deploy"
            leftSection={<IconRocket size={16} stroke={1.75} aria-hidden />}
            loading={deploy.isPending}
            onClick={() => deploy.mutate()}
          >
            Deploy the newest
          </AbleButton>
        </div>
      </Note>
    </div>
  );
}
