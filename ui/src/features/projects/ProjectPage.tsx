import { Button } from "@mantine/core";
import { IconGitMerge, IconPlus } from "@tabler/icons-react";
import { useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useAllInstances, useProject } from "@/api/queries";
import { NewInstanceDialog } from "@/features/instances";
import { WhoButton } from "@/features/permissions/WhoButton";
import { useWorkspace } from "@/frame/useWorkspace";
import { AbleButton, Failed, LoadingPage, LoadingRows, later, MissingAction, PageTitle, Tabs, Tile } from "@/kit";
import { MergeDialog, Whence } from "./later";
import css from "./projects.module.css";

const Board = later(async () => (await import("./Board")).Board, <LoadingRows />);
const Commits = later(async () => (await import("./Commits")).Commits, <LoadingRows />);
const OfProject = later(async () => (await import("./OfProject")).OfProject, <LoadingRows height={52} />);
const CloneButton = later(async () => (await import("./repository")).CloneButton);
const ProjectSettings = later(async () => (await import("./repository")).ProjectSettings, <LoadingRows />);

export function ProjectPage() {
  const workspace = useWorkspace();
  const { project: slug = "", tab = "board" } = useParams({ strict: false });
  const project = useProject(workspace.slug, slug);
  const instances = useAllInstances(workspace.slug, { project: project.data?.id }, Boolean(project.data));
  const { clone } = useSearch({ strict: false }) as { clone?: unknown };
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
            <Whence project={here} marked />
          </span>
        }
        actions={
          <>
            {isOwner && <WhoButton about={{ kind: "project", id: here.id, name: here.name }} />}
            {here.repository.has_commits && (tab === "board" || tab === "commits") && (
              <CloneButton key={String(clone)} project={here} />
            )}
            {here.repository.has_commits && (
              <AbleButton
                of={here}
                verb="merge"
                leftSection={<IconGitMerge size={16} stroke={1.75} />}
                onClick={() => setMerging(true)}
                whenMissing={<MissingAction action="merge_branches" />}
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
        <ProjectSettings key={here.id} workspace={workspace.slug} project={here} />
      ) : (
        <Board project={here} />
      )}
      {isMerging && <MergeDialog workspace={workspace.slug} project={here.id} onClose={() => setMerging(false)} />}
      {isMaking && <NewInstanceDialog onClose={() => setMaking(false)} given={{ project: here.id }} />}
    </div>
  );
}
