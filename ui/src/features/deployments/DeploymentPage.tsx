import { Button } from "@mantine/core";
import {
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconLoader2,
  IconRocket,
  IconX,
} from "@tabler/icons-react";
import { useNavigate, useParams } from "@tanstack/react-router";
import { at } from "@/api/client";
import { useAct, useDeployment, useInstance } from "@/api/queries";
import type { Deployment, Instance } from "@/api/types";
import { LogView } from "@/features/logs";
import { useWorkspace } from "@/frame/useWorkspace";
import { AbleButton, Failed, Go, LoadingPage, Note, PageTitle, ShortCommit, StatusBadge, Time } from "@/kit";
import { took } from "./DeploymentList";
import css from "./deployments.module.css";
import { type StepState, steps } from "./steps";

const LOOKS: Record<StepState, { Icon: typeof IconLoader2; word: string; className: string | undefined }> = {
  done: { Icon: IconCircleCheckFilled, word: "done", className: css.done },
  now: { Icon: IconLoader2, word: "goes on", className: css.now },
  failed: { Icon: IconCircleXFilled, word: "failed", className: css.failedStep },
  open: { Icon: IconCircleDashed, word: "not begun", className: css.open },
};

export function DeploymentPage() {
  const workspace = useWorkspace();
  const { instance: slug = "", deployment: id = "" } = useParams({ strict: false });
  const instance = useInstance(workspace.slug, slug);
  const deployment = useDeployment(workspace.slug, slug, id);
  const cancel = useAct<void>(workspace.slug, {
    path: () => at`/instances/${slug}/deployments/${id}/cancel`,
    nouns: ["instances", "deployments", "jobs"],
  });
  const error = instance.error ?? deployment.error;
  if (error) return <Failed error={error} home={workspace.slug} />;
  if (!instance.data || !deployment.data) return <LoadingPage />;
  const here = deployment.data;
  const isOpen = here.ended_at === null;
  return (
    <div>
      <PageTitle
        title={`Deployment #${here.number}`}
        beside={<StatusBadge status={here.status === "running" ? "deploying" : here.status} />}
        sentence={
          <>
            <Go to={`/${workspace.slug}/instances/${instance.data.slug}/deployments`}>{instance.data.name}</Go>,{" "}
            <ShortCommit commit={here.commit} /> of {here.branch}, <Time at={here.created_at} />
            {here.ended_at && here.started_at && <> in {took(here)}</>}
            {` by ${here.started_by?.name ?? "Stoa"}`}
          </>
        }
        actions={
          isOpen && (
            <Button
              leftSection={<IconX size={16} stroke={1.75} aria-hidden />}
              loading={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              Cancel
            </Button>
          )
        }
      />
      <div className={css.stack}>
        {cancel.error && <Note tone="bad">{cancel.error.detail}</Note>}
        {here.reason && <Why workspace={workspace.slug} instance={instance.data} deployment={here} />}
        <ol className={css.steps} aria-label="Steps">
          {steps(here).map(({ name, state }) => {
            const { Icon, word, className } = LOOKS[state];
            return (
              <li key={name} className={className}>
                <Icon size={16} className={state === "now" ? "turning" : ""} aria-hidden />
                {name}
                <span className="visually-hidden">{word}</span>
              </li>
            );
          })}
        </ol>
        <LogView workspace={workspace.slug} instance={instance.data.id} deployment={here.id} isOver={!isOpen} />
      </div>
    </div>
  );
}

/** The one sentence, what it means for those who use the application, and what next. */
function Why({ workspace, instance, deployment }: { workspace: string; instance: Instance; deployment: Deployment }) {
  const navigate = useNavigate();
  const again = useAct<void>(workspace, {
    path: () => at`/instances/${instance.id}/deploy`,
    body: () => ({ commit: deployment.commit }),
    nouns: ["instances", "deployments", "jobs"],
    onDone: () => void navigate({ to: `/${workspace}/instances/${instance.slug}/deployments` }),
  });
  const keeps = instance.status === "running" && deployment.status === "failed";
  return (
    <section className={css.failed} aria-label="Why it failed">
      <div className={css.why}>
        <IconCircleXFilled size={20} aria-hidden />
        <div>
          <h2>{deployment.reason}</h2>
          <p>
            <ShortCommit commit={deployment.commit} /> wasn't deployed.{" "}
            {keeps && <strong>The previous release keeps running.</strong>}
          </p>
          {deployment.quote && <pre>{deployment.quote}</pre>}
        </div>
      </div>
      {instance.may.includes("deploy") && (
        <div className={css.next}>
          <AbleButton
            of={instance}
            verb="deploy"
            leftSection={<IconRocket size={16} stroke={1.75} aria-hidden />}
            loading={again.isPending}
            onClick={() => again.mutate()}
          >
            Deploy again
          </AbleButton>
          {again.error && <Note tone="bad">{again.error.detail}</Note>}
        </div>
      )}
    </section>
  );
}
