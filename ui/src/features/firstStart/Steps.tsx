import { Button } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useAllMembers } from "@/api/memberQueries";
import { useAllInstances, useAllProjects, useAllServers } from "@/api/queries";
import { NewInstanceDialog } from "@/features/instances";
import { HowToPush, NewProjectDialog } from "@/features/projects";
import css from "@/features/projects/projects.module.css";
import { AddServerDialog } from "@/features/servers";
import { useWorkspace } from "@/frame/useWorkspace";
import { DisabledReason, Go } from "@/kit";

/** From an empty workspace to a running application, step by step. Each is done where it stands. */
export function Steps() {
  const workspace = useWorkspace();
  const slug = workspace.slug;
  const servers = useAllServers(slug);
  const projects = useAllProjects(slug);
  const instances = useAllInstances(slug);
  const members = useAllMembers(slug);
  const [open, setOpen] = useState<"server" | "project" | "instance" | null>(null);
  const close = () => setOpen(null);
  const hasServer = Boolean(servers.data?.length);
  const project = projects.data?.[0];
  const isPushed = Boolean(projects.data?.some(({ repository }) => repository.has_commits));
  const instance = instances.data?.[0];
  const missing = hasServer ? (isPushed ? null : "Push an application first.") : "Add a server first.";
  return (
    <div className={css.steps}>
      <Step number={1} isDone={hasServer} title="Add a server">
        <p>This machine, or another one: instances run there, each in a sandbox of its own.</p>
        {!hasServer && (
          <Button variant="filled" onClick={() => setOpen("server")}>
            Add a server
          </Button>
        )}
      </Step>
      <Step number={2} isDone={Boolean(project)} title="Create a project">
        <p>An application, and its repository: hosted by Stoa, or fetched from elsewhere.</p>
        {!project && (
          <Button variant={hasServer ? "filled" : "default"} onClick={() => setOpen("project")}>
            Create a project
          </Button>
        )}
      </Step>
      <Step number={3} isDone={isPushed} title="Push your application">
        <p>
          It needs a <code>stoa.toml</code> or a <code>Procfile</code> that says how it is run, or is of a kind that
          Stoa recognises. Quicker is <Go to={`/${slug}/start`}>an example, with one click</Go>.
        </p>
        {project && !isPushed && project.repository.kind === "hosted" && <HowToPush project={project} />}
        {project && !isPushed && project.repository.kind === "remote" && (
          <Go to={`/${slug}/projects/${project.slug}/settings`}>How it is fetched</Go>
        )}
      </Step>
      <Step number={4} isDone={Boolean(instance)} title="Create an instance">
        <p>A running copy of a branch. From then on each push deploys it.</p>
        {instance ? (
          <Go to={`/${slug}/instances/${instance.slug}`}>{instance.name}</Go>
        ) : (
          <DisabledReason reason={missing}>
            <Button
              variant={missing ? "default" : "filled"}
              aria-disabled={missing ? true : undefined}
              data-disabled={missing ? true : undefined}
              onClick={() => !missing && setOpen("instance")}
            >
              Create an instance
            </Button>
          </DisabledReason>
        )}
      </Step>
      <Step number={5} isDone={(members.data?.length ?? 0) > 1} title="Invite somebody">
        <p>A new member sees nothing until you grant it, switch by switch.</p>
        <Button component={Link} to={`/${slug}/members`}>
          Members
        </Button>
      </Step>
      {open === "server" && <AddServerDialog workspace={slug} onClose={close} />}
      {open === "project" && <NewProjectDialog workspace={slug} onClose={close} stays />}
      {open === "instance" && <NewInstanceDialog onClose={close} given={{ stage: "production" }} />}
    </div>
  );
}

function Step(props: { number: number; isDone: boolean; title: string; children: ReactNode }) {
  return (
    <section className={css.step} aria-label={props.title}>
      <span className={`${css.number} ${props.isDone ? css.done : ""}`}>
        {props.isDone ? <IconCheck size={15} stroke={2.25} aria-label="Done" /> : props.number}
      </span>
      <div>
        <h2>{props.title}</h2>
        {props.children}
      </div>
    </section>
  );
}
