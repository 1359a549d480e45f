import { Button } from "@mantine/core";
import { at } from "@/api/client";
import { useAct, useDeployments } from "@/api/queries";
import type { Deployment, Instance } from "@/api/types";
import {
  Chip,
  duration,
  Empty,
  Failed,
  Go,
  LoadingRows,
  More,
  Note,
  Panel,
  PersonAvatar,
  ShortCommit,
  StatusBadge,
  Table,
  Time,
} from "@/kit";
import css from "./deployments.module.css";

export function took(deployment: Deployment): string {
  if (!deployment.started_at || !deployment.ended_at) return "–";
  return duration(Date.parse(deployment.ended_at) - Date.parse(deployment.started_at));
}

export function DeploymentRow(props: {
  workspace: string;
  instance: Instance;
  deployment: Deployment;
  onRollBack?: (release: string) => void;
}) {
  const { deployment, instance } = props;
  const status = deployment.status === "running" ? "deploying" : deployment.status;
  return (
    <tr>
      <td>
        <div className={css.which}>
          <Go
            to={`/${props.workspace}/instances/${instance.slug}/deployments/${deployment.id}`}
            style={{ fontWeight: 600, color: "var(--text)" }}
          >
            #{deployment.number}
          </Go>
          <StatusBadge status={status} />
          {deployment.is_current && <Chip tone="good">Runs now</Chip>}
        </div>
        {deployment.reason && (
          <div style={{ color: "var(--text3)", fontSize: 12, marginTop: 2 }}>{deployment.reason}</div>
        )}
      </td>
      <td data-label="Commit">
        <span>
          <ShortCommit commit={deployment.commit} /> {deployment.branch}
        </span>
      </td>
      <td data-label="By">
        <span className={css.person}>
          {deployment.started_by && <PersonAvatar name={deployment.started_by.name} size={18} />}
          {deployment.started_by?.name ?? "Stoa"}
        </span>
      </td>
      <td data-label="Took">{took(deployment)}</td>
      <td data-label="When">
        <span>
          <Time at={deployment.created_at} />
          {props.onRollBack && deployment.release && !deployment.is_current && (
            <Button
              size="compact-sm"
              variant="subtle"
              ml={8}
              onClick={() => deployment.release && props.onRollBack?.(deployment.release)}
            >
              Go back to it
            </Button>
          )}
        </span>{" "}
      </td>
    </tr>
  );
}

export function DeploymentList({ workspace, instance }: { workspace: string; instance: Instance }) {
  const deployments = useDeployments(workspace, instance.id);
  const rollBack = useAct<string>(workspace, {
    path: () => at`/instances/${instance.id}/deploy`,
    body: (release) => ({ release }),
    nouns: ["instances", "deployments", "jobs"],
  });
  if (deployments.error) return <Failed error={deployments.error} retry={() => void deployments.refetch()} inline />;
  if (!deployments.items) return <LoadingRows />;
  if (deployments.items.length === 0)
    return (
      <Panel>
        <Empty title="Nothing was deployed yet" inline>
          Push to the branch {instance.branch}.
        </Empty>
      </Panel>
    );
  const mayDeploy = instance.may.includes("deploy") && !instance.blocked.deploy;
  return (
    <>
      {rollBack.error && <Note tone="bad">{rollBack.error.detail}</Note>}
      <Panel>
        <Table label="Deployments" head={["Deployment", "Commit", "By", "Took", "When"]}>
          {deployments.items.map((deployment) => (
            <DeploymentRow
              key={deployment.id}
              workspace={workspace}
              instance={instance}
              deployment={deployment}
              {...(mayDeploy && { onRollBack: (release: string) => rollBack.mutate(release) })}
            />
          ))}
        </Table>
        <More {...deployments} />
      </Panel>
    </>
  );
}
