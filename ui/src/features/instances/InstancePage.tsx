import { IconExternalLink, IconFolder, IconGitBranch, IconServer2 } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useInstance } from "@/api/queries";
import type { Instance } from "@/api/types";
import { DeploymentList } from "@/features/deployments";
import { LogView } from "@/features/logs";
import { useWorkspace } from "@/frame/useWorkspace";
import { Failed, Forbidden, Go, LoadingPage, Note, PageTitle, ShortCommit, StageTag, StatusBadge } from "@/kit";
import { InstanceActions } from "./InstanceActions";
import { InstanceOverview } from "./InstanceOverview";
import { InstanceSettings } from "./InstanceSettings";
import css from "./instances.module.css";
import { Tabs } from "./Tabs";

export function InstancePage() {
  const workspace = useWorkspace();
  const { instance: slug = "", tab = "overview" } = useParams({ strict: false });
  const instance = useInstance(workspace.slug, slug);
  if (instance.error) return <Failed error={instance.error} home={workspace.slug} />;
  if (!instance.data) return <LoadingPage />;
  const here = instance.data;
  const base = `/${workspace.slug}/instances/${here.slug}`;
  const mayRead = here.may.includes("read_logs");
  const tabs = [
    { key: "overview", name: "Overview", to: base },
    ...(mayRead
      ? [
          { key: "logs", name: "Logs", to: `${base}/logs` },
          { key: "deployments", name: "Deployments", to: `${base}/deployments` },
        ]
      : []),
    ...(here.may.includes("manage") ? [{ key: "settings", name: "Settings", to: `${base}/settings` }] : []),
  ];
  return (
    <div>
      <PageTitle
        title={here.name}
        beside={
          <>
            <StatusBadge status={here.status} />
            <StageTag stage={here.stage} />
          </>
        }
        actions={<InstanceActions workspace={workspace.slug} instance={here} />}
      />
      <Facts instance={here} workspace={workspace.slug} />
      {here.reason && (
        <div style={{ marginBottom: 16 }}>
          <Note tone={here.status === "failed" ? "bad" : "warn"}>{here.reason}</Note>
        </div>
      )}
      <Tabs label={here.name} tabs={tabs} current={tab} />
      {tab === "logs" ? (
        mayRead ? (
          <LogView workspace={workspace.slug} instance={here.id} />
        ) : (
          <Forbidden action="view_logs" what="read logs" />
        )
      ) : tab === "deployments" ? (
        mayRead ? (
          <DeploymentList workspace={workspace.slug} instance={here} />
        ) : (
          <Forbidden action="view_logs" what="see deployments" />
        )
      ) : tab === "settings" && here.may.includes("manage") ? (
        <InstanceSettings workspace={workspace.slug} instance={here} />
      ) : (
        <InstanceOverview workspace={workspace.slug} instance={here} />
      )}
    </div>
  );
}

function Facts({ instance, workspace }: { instance: Instance; workspace: string }) {
  const shown = instance.url?.replace(/^https?:\/\//, "");
  return (
    <div className={css.facts}>
      {instance.url && (
        <a href={instance.url} target="_blank" rel="noreferrer">
          <IconExternalLink size={15} stroke={1.75} aria-hidden />
          {shown}
        </a>
      )}
      <span>
        <IconGitBranch size={15} stroke={1.75} aria-hidden />
        {instance.branch}
        {instance.commit && <ShortCommit commit={instance.commit} />}
      </span>
      <span>
        <IconFolder size={15} stroke={1.75} aria-hidden />
        {instance.project.name}
      </span>
      {instance.server && (
        <Go to={`/${workspace}/servers/${instance.server.slug}`} style={{ color: "inherit", fontWeight: 400 }}>
          <IconServer2 size={15} stroke={1.75} aria-hidden />
          {instance.server.name}
        </Go>
      )}
    </div>
  );
}
