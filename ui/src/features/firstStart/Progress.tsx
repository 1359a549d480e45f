import { Button } from "@mantine/core";
import { IconExternalLink, IconLoader2, IconRocket } from "@tabler/icons-react";
import { createInstance } from "@/api/generated";
import type { Instance, Project, Server } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { useIsUnproved } from "@/features/session/useWays";
import { CodeToCopy, Go, Note, StatusBadge } from "@/kit";
import css from "./firstStart.module.css";

type Props = {
  slug: string;
  project: Project;
  server: Server | undefined;
  instance: Instance | undefined;
};

/** From an empty repository to the address, as it happens: what to push, then one click, then where it answers. */
export function Progress({ slug, project, server, instance }: Props) {
  const isUnproved = useIsUnproved();
  const create = useAct<void, Instance>(slug, {
    act: () =>
      createInstance(slug, {
        name: `${project.slug} production`,
        project: project.id,
        server: server?.id ?? "",
        stage: "production",
        branch: project.default_branch,
      }),
    nouns: ["instances", "jobs", "projects", "servers", "counts"],
  });
  if (instance)
    return (
      <div className={css.done}>
        <div className={css.outcome}>
          <StatusBadge status={instance.status} />
          <Go to={`/${slug}/instances/${instance.slug}`}>{instance.name}</Go>
        </div>
        {instance.reason && <Note tone="bad">{instance.reason}</Note>}
        {instance.reason && instance.may.includes("read_logs") && (
          <Go to={`/${slug}/instances/${instance.slug}/deployments`}>See the log</Go>
        )}
        {instance.status === "running" && instance.url && (
          <Button
            component="a"
            data-size="lg"
            href={instance.url}
            target="_blank"
            rel="noreferrer"
            leftSection={<IconExternalLink size={17} stroke={1.75} aria-hidden />}
          >
            Open it
          </Button>
        )}
      </div>
    );
  if (project.repository.has_commits)
    return (
      <div className={css.done}>
        <p>
          <code>{project.default_branch}</code> is here. An instance is its running copy; from then on each push deploys
          it.
        </p>
        {create.error && <Note tone="bad">{create.error.detail}</Note>}
        {!server && <Note tone="warn">There is no server yet. Add one under Servers.</Note>}
        <Button
          data-size="lg"
          leftSection={<IconRocket size={17} stroke={1.75} aria-hidden />}
          loading={create.isPending}
          disabled={!server}
          onClick={() => create.mutate()}
        >
          Create an instance
        </Button>
      </div>
    );
  const { url } = project.repository;
  const push = `git push stoa HEAD:${project.default_branch}`;
  return (
    <div className={css.commands}>
      <p className={css.small}>In the folder of {project.name}:</p>
      <CodeToCopy text={`git remote add stoa ${url}`} label="Copy the command" />
      <CodeToCopy text={push} label="Copy the command" />
      <p className={css.small}>
        Any name; the password is an access token. <Go to={`/${slug}/settings/tokens`}>Make one</Go>
        {isUnproved && ", after your e-mail address is confirmed: what was made before is deleted then."}
      </p>
      <div className={css.waiting} role="status">
        <IconLoader2 size={16} className="turning" aria-hidden />
        Waiting for the first push
      </div>
    </div>
  );
}
