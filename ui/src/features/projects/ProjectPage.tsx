import { Button, Select, TextInput } from "@mantine/core";
import { IconBox, IconGitFork, IconPlus } from "@tabler/icons-react";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { at, type Tagged } from "@/api/client";
import { useAct, useAllInstances, useBranches, useCommits, useProject } from "@/api/queries";
import type { Project } from "@/api/types";
import { InstanceTable, NewInstanceDialog } from "@/features/instances";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  AbleButton,
  ConfirmDialog,
  Empty,
  Failed,
  LoadingPage,
  LoadingRows,
  More,
  Note,
  PageTitle,
  Panel,
  Person,
  Section,
  ShortCommit,
  Table,
  Tabs,
  Tile,
  Time,
} from "@/kit";
import { Board } from "./Board";
import { HowToPush } from "./HowToPush";
import css from "./projects.module.css";

export function ProjectPage() {
  const workspace = useWorkspace();
  const { project: slug = "", tab = "board" } = useParams({ strict: false });
  const project = useProject(workspace.slug, slug);
  const instances = useAllInstances(workspace.slug, { project: project.data?.id }, Boolean(project.data));
  const [isMaking, setMaking] = useState(false);
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
          isOwner &&
          here.repository.has_commits && (
            <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
              New instance
            </Button>
          )
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

function Commits({ workspace, project }: { workspace: string; project: Project }) {
  const branches = useBranches(workspace, project.id);
  const [branch, setBranch] = useState(project.default_branch);
  const commits = useCommits(workspace, project.id, branch, project.repository.has_commits);
  if (!project.repository.has_commits)
    return (
      <Panel padded>
        <Empty title="Nothing was pushed yet" inline>
          In the folder of your application:
        </Empty>
        <HowToPush project={project} />
      </Panel>
    );
  return (
    <div style={{ display: "grid", gap: 14 }}>
      <Select
        aria-label="Branch"
        w={260}
        searchable
        data={(branches.data ?? []).map(({ name }) => name)}
        value={branch}
        onChange={(value) => setBranch(value ?? project.default_branch)}
      />
      {commits.error ? (
        <Failed error={commits.error} inline />
      ) : !commits.items ? (
        <LoadingRows />
      ) : (
        <Panel>
          <Table label="Commits" head={["Commit", "", "Author", "When"]}>
            {commits.items.map((commit) => (
              <tr key={commit.id}>
                <td>
                  <ShortCommit commit={commit.id} />
                </td>
                <td className={css.wide}>{commit.subject}</td>
                <td data-label="Author">
                  <Person name={commit.author_name} />
                </td>
                <td data-label="When">
                  <Time at={commit.at} />
                </td>
              </tr>
            ))}
          </Table>
          <More {...commits} />
        </Panel>
      )}
    </div>
  );
}

function ProjectSettings({ workspace, project }: { workspace: string; project: Tagged<Project> }) {
  const navigate = useNavigate();
  const instances = useAllInstances(workspace, { project: project.id });
  const [name, setName] = useState(project.name);
  const [branch, setBranch] = useState(project.default_branch);
  const [isRemoving, setRemoving] = useState(false);
  const save = useAct<void, Project>(workspace, {
    method: "PATCH",
    path: () => at`/projects/${project.id}`,
    body: () => ({ name: name.trim(), default_branch: branch.trim() }),
    ifMatch: () => project.etag,
    nouns: ["projects"],
  });
  const remove = useAct<void>(workspace, {
    method: "DELETE",
    path: () => at`/projects/${project.id}`,
    nouns: ["projects"],
    onDone: () => void navigate({ to: `/${workspace}/projects` }),
  });
  const isChanged = name.trim() !== project.name || branch.trim() !== project.default_branch;
  return (
    <div style={{ display: "grid", gap: 8, maxWidth: 760 }}>
      <Section title="Repository">
        <Panel padded>
          <HowToPush project={project} />
        </Panel>
      </Section>
      <Section title="General">
        <Panel padded>
          <form
            style={{ display: "grid", gap: 16 }}
            onSubmit={(event) => {
              event.preventDefault();
              if (isChanged) save.mutate();
            }}
          >
            <TextInput
              label="Name"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={save.error?.field("name")}
              maxLength={80}
            />
            <TextInput
              label="Default branch"
              value={branch}
              onChange={(event) => setBranch(event.currentTarget.value)}
              error={save.error?.field("default_branch")}
            />
            {save.error && save.error.errors.length === 0 && <Note tone="bad">{save.error.detail}</Note>}
            <div style={{ display: "flex", justifyContent: "flex-end" }}>
              <Button type="submit" variant="filled" disabled={!isChanged} loading={save.isPending}>
                Save
              </Button>
            </div>
          </form>
        </Panel>
      </Section>
      <Section title="Delete">
        <Panel padded>
          <div style={{ display: "flex", gap: 16, alignItems: "center", justifyContent: "space-between" }}>
            <span>
              The repository and its history go with it.
              {instances.data?.length ? " Its instances have to be deleted first." : ""}
            </span>
            <AbleButton of={project} verb="delete" data-danger onClick={() => setRemoving(true)}>
              Delete project
            </AbleButton>
          </div>
        </Panel>
      </Section>
      <ConfirmDialog
        opened={isRemoving}
        onClose={() => setRemoving(false)}
        title={`Delete ${project.name}?`}
        action="Delete for good"
        typed={project.name}
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        The repository and its history go with it. There is no way back.
      </ConfirmDialog>
    </div>
  );
}
