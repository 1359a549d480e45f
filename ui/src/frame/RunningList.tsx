import { Menu } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Job, Workspace } from "@/api/nouns";
import { useAllInstances } from "@/api/queries";
import { Time } from "@/kit/Time";
import { jobWord, stepWord } from "./jobs";

/** What runs, each with what it is about and how far it is. */
export function RunningList({ workspace, jobs }: { workspace: Workspace; jobs: Job[] }) {
  const instances = useAllInstances(workspace.slug, {});
  return jobs.map((job) => {
    const instance = instances.data?.find(({ id }) => id === job.instance);
    const line = (
      <>
        <div style={{ fontWeight: 500 }}>
          {job.status === "queued" ? "Waiting: " : ""}
          {jobWord(job)} {instance?.name}
        </div>
        <div style={{ fontSize: 12, color: "var(--text3)" }}>
          {stepWord(job)}, <Time at={job.created_at} />
        </div>
      </>
    );
    return instance ? (
      <Menu.Item key={job.id} component={Link} to={`/${workspace.slug}/instances/${instance.slug}`}>
        {line}
      </Menu.Item>
    ) : (
      <Menu.Item key={job.id}>{line}</Menu.Item>
    );
  });
}
