import { Progress } from "@mantine/core";
import { IconPlayerPlay, IconPlayerStop, IconRefresh, IconRocket, IconTrash } from "@tabler/icons-react";
import type { Instance, Job } from "@/api/nouns";
import { jobWord, stepWord } from "@/frame/jobs";
import { Go, Time } from "@/kit";
import css from "./overview.module.css";

const ICONS: Record<string, typeof IconRocket> = {
  deploy: IconRocket,
  start: IconPlayerPlay,
  stop: IconPlayerStop,
  delete: IconTrash,
};

/** One piece of work that goes on: what, on what, how far. */
export function Work({ slug, job, instance }: { slug: string; job: Job; instance: Instance | undefined }) {
  const Icon = ICONS[job.kind] ?? IconRefresh;
  return (
    <div className={css.work}>
      <div className={css.head}>
        <Icon size={16} stroke={1.75} aria-hidden />
        <span className={css.title}>
          {jobWord(job)}{" "}
          {instance && (
            <Go className={css.name ?? ""} to={`/${slug}/instances/${instance.slug}`}>
              {instance.name}
            </Go>
          )}
        </span>
      </div>
      {job.progress !== null && <Progress value={job.progress} size={5} aria-label={jobWord(job)} />}
      <div className={css.far}>
        <span>{job.status === "queued" ? "Waits for its turn" : stepWord(job)}</span>
        <Time at={job.created_at} />
      </div>
    </div>
  );
}
