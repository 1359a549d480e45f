import { Button } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { at } from "@/api/client";
import { useAct, useDeployment, useInstance } from "@/api/queries";
import { LogView } from "@/features/logs";
import { useWorkspace } from "@/frame/useWorkspace";
import { Failed, Go, LoadingPage, Note, PageTitle, ShortCommit, StatusBadge, Time } from "@/kit";

const STEPS = ["fetch", "read", "build", "store", "release", "start", "health", "switch", "settle"];

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
  const step = STEPS.indexOf(here.step);
  return (
    <div>
      <PageTitle
        title={`Deployment #${here.number}`}
        beside={<StatusBadge status={here.status === "running" ? "deploying" : here.status} />}
        sentence={
          <>
            <Go to={`/${workspace.slug}/instances/${instance.data.slug}/deployments`}>{instance.data.name}</Go> ·{" "}
            <ShortCommit commit={here.commit} /> of {here.branch} · {here.started_by?.name ?? "Stoa"} ·{" "}
            <Time at={here.created_at} />
            {isOpen && step >= 0 && ` · step ${step + 1} of ${STEPS.length}: ${here.step}`}
          </>
        }
        actions={
          isOpen && (
            <Button loading={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel
            </Button>
          )
        }
      />
      <div style={{ display: "grid", gap: 12, marginBottom: 16 }}>
        {here.reason && (
          <Note tone="bad">
            {here.reason}
            {here.quote && <pre style={{ margin: "8px 0 0", whiteSpace: "pre-wrap", fontSize: 12 }}>{here.quote}</pre>}
          </Note>
        )}
        {cancel.error && <Note tone="bad">{cancel.error.detail}</Note>}
      </div>
      <LogView workspace={workspace.slug} instance={instance.data.id} deployment={here.id} isOver={!isOpen} />
    </div>
  );
}
