import { Menu } from "@mantine/core";
import { IconLoader2 } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Workspace } from "@/api/nouns";
import { useAllInstances, useRunningJobs } from "@/api/queries";
import { Time } from "@/kit/Time";
import { usePhone } from "@/kit/usePhone";
import css from "./frame.module.css";
import { jobWord, stepWord } from "./jobs";

/** What runs now, on every page. Absent while nothing does. */
export function RunningWork({ workspace }: { workspace: Workspace }) {
  const { items: jobs } = useRunningJobs(workspace.slug);
  const phone = usePhone();
  const instances = useAllInstances(workspace.slug, {}, Boolean(jobs?.length));
  if (!jobs?.length) return null;
  return (
    <Menu position="bottom-end" width={320}>
      <Menu.Target>
        <button type="button" className={css.running} aria-label={`${jobs.length} running`}>
          <IconLoader2 size={16} className="turning" aria-hidden />
          {phone ? jobs.length : `${jobs.length} running`}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {jobs.map((job) => {
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
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
