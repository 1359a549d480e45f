import { Button } from "@mantine/core";
import { IconBox, IconGitFork, IconGitMerge, IconPlus } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { Project } from "@/api/nouns";
import { useAllInstances, useProject } from "@/api/queries";
import { InstanceTable, NewInstanceDialog } from "@/features/instances";
import { WhoButton } from "@/features/permissions/WhoButton";
import { useWorkspace } from "@/frame/useWorkspace";
import { AbleButton, Empty, Failed, LoadingPage, LoadingRows, later, PageTitle, Panel, Tabs, Tile } from "@/kit";
import { MergeDialog } from "./later";
import css from "./projects.module.css";

const Board = later(async () => (await import("./Board")).Board, <LoadingRows />);
const Commits = later(async () => (await import("./Commits")).Commits, <LoadingRows />);
const ProjectSettings = later(async () => (await import("./ProjectSettings")).ProjectSettings, <LoadingRows />);

export function ProjectPage() {
  const workspace = useWorkspace();
  const { project: slug = "", tab = "board" } = useParams({ strict: false });
  const project = useProject(workspace.slug, slug);
  const instances = useAllInstances(workspace.slug, { project: project.data?.id }, Boolean(project.data));
  const [isMaking, setMaking] = useState(false);
  const [isMerging, setMerging] = useState(false);
  if (project.error) return <Failed error={project.error} home={workspace.slug} />;
  if (!project.data) return <LoadingPage />;
  const here = project.data;
  const base = `/${workspace.slug}/projects/${here.slug}`;
  const isOwner = here.may.includes("manage");
  const tabs = [
    { key: "board", name: "Board", to: base },
    { key: "commits", name: "Commits", to: `${base}/commits` },
    { key: "instances", name: "Instances", to: `${base}/instances`, count: instances.data?.length },
    ...(isOwner ? [{ key: "settings", name: "Settings", to: `${base}/settings` }] : []),
  ];
  return (
    <div {...(tab === "board" && { "data-fill": "page" })}>
      <PageTitle
        title={here.name}
        tile={<Tile name={here.name} />}
        isTight
        beside={
          <span className={css.fact}>
            <IconGitFork size={15} stroke={1.75} aria-hidden /> Hosted by Stoa
          </span>
        }
        actions={
          <>
            {isOwner && <WhoButton about={{ kind: "project", id: here.id, name: here.name }} />}
            {here.repository.has_commits && (
              <AbleButton
                of={here}
                verb="merge"
                leftSection={<IconGitMerge size={16} stroke={1.75} />}
                onClick={() => setMerging(true)}
                whenMissing="You need the permission Merge branches. Ask an owner."
              >
                Merge…
              </AbleButton>
            )}
            {isOwner && here.repository.has_commits && (
              <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
                New instance
              </Button>
            )}
          </>
        }
      />
      <Tabs label={here.name} tabs={tabs} current={tab} />
      {tab === "commits" ? (
        <Commits workspace={workspace.slug} project={here} />
      ) : tab === "instances" ? (
        <OfProject workspace={workspace.slug} project={here} onNew={isOwner ? () => setMaking(true) : null} />
      ) : tab === "settings" && isOwner ? (
        <ProjectSettings key={here.etag ?? ""} workspace={workspace.slug} project={here} />
      ) : (
        <Board project={here} />
      )}
      {isMerging && <MergeDialog workspace={workspace.slug} project={here.id} onClose={() => setMerging(false)} />}
      {isMaking && <NewInstanceDialog onClose={() => setMaking(false)} given={{ project: here.id }} />}
    </div>
  );
}

function OfProject(props: { workspace: string; project: Project; onNew: (() => void) | null }) {
  const instances = useAllInstances(props.workspace, { project: props.project.id });
  if (instances.error) return <Failed error={instances.error} retry={() => void instances.refetch()} inline />;
  if (!instances.data) return <LoadingRows height={52} />;
  return (
    <Panel>
      {instances.data.length === 0 ? (
        <Empty
          icon={IconBox}
          title="No instance of this project"
          inline
          action={
            props.onNew && props.project.repository.has_commits && <Button onClick={props.onNew}>New instance</Button>
          }
        >
          {props.onNew
            ? "An instance is a running copy of one of its branches."
            : "None of its instances is allowed to you. Ask an owner of the workspace."}
        </Empty>
      ) : (
        <InstanceTable workspace={props.workspace} instances={instances.data} />
      )}
    </Panel>
  );
}
