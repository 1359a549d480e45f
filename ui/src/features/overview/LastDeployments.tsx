import { useQueries } from "@tanstack/react-query";
import { listDeployments } from "@/api/generated";
import type { Deployment, Instance, Job } from "@/api/nouns";
import { useJobs } from "@/api/queries";
import { causeWord } from "@/features/deployments/causes";
import { useSubjects } from "@/frame/useSubjects";
import { Cut, duration, Go, Panel, Person, Section, ShortCommit, StatusIcon, Time } from "@/kit";
import css from "./overview.module.css";

const LAST = 6;

/** What the instances' own histories say of deployments that jobs tell of; nothing where logs aren't allowed. */
function useDeploymentsOf(slug: string, instances: Instance[]): Map<string, Deployment> {
  return useQueries({
    queries: instances.map(({ id }) => ({
      queryKey: [slug, "deployments", "newest", id],
      queryFn: ({ signal }: { signal: AbortSignal }) => listDeployments(slug, id, { limit: LAST }, { signal }),
    })),
    combine: (found) => new Map(found.flatMap(({ data }) => data?.items ?? []).map((one) => [one.job, one])),
  });
}

/** The newest deployments of all instances that the caller sees, as jobs tell of them. */
export function LastDeployments({ slug, instances }: { slug: string; instances: Map<string, Instance> }) {
  const jobs = useJobs(slug);
  const found = (jobs.items ?? [])
    .filter(({ kind, instance }) => (kind === "deploy" || kind === "restore") && instances.has(instance ?? ""))
    .slice(0, LAST);
  const mine = [...new Set(found.map(({ instance }) => instances.get(instance ?? "")))].filter(
    (one) => one !== undefined,
  );
  const deployments = useDeploymentsOf(
    slug,
    mine.filter(({ may }) => may.includes("read_logs")),
  );
  const subjects = useSubjects(
    found.flatMap(({ id, instance }) => {
      const [of, deployment] = [instances.get(instance ?? ""), deployments.get(id)];
      return of && deployment ? [{ project: of.project.id, branch: deployment.branch, commit: deployment.commit }] : [];
    }),
  );
  if (found.length === 0) return null;
  return (
    <Section title="Last deployments">
      <Panel>
        <ul className={css.last} aria-label="Last deployments">
          {found.map((job) => {
            const instance = instances.get(job.instance ?? "");
            const deployment = deployments.get(job.id);
            return (
              instance && (
                <Line
                  key={job.id}
                  to={`/${slug}/instances/${instance.slug}${deployment ? `/deployments/${deployment.id}` : ""}`}
                  job={job}
                  instance={instance}
                  deployment={deployment}
                  subject={deployment && subjects.get(deployment.commit)?.subject}
                />
              )
            );
          })}
        </ul>
      </Panel>
    </Section>
  );
}

type LineProps = {
  to: string;
  job: Job;
  instance: Instance;
  deployment: Deployment | undefined;
  subject: string | undefined;
};

function Line({ to, job, instance, deployment, subject }: LineProps) {
  return (
    <li>
      <StatusIcon status={job.status === "running" ? "deploying" : job.status} />
      <Go className={css.name ?? ""} to={to}>
        <Cut text={instance.name} />
      </Go>
      <span className={css.what}>
        {deployment && <ShortCommit commit={deployment.commit} />} {subject ?? `of ${instance.branch}`}
        {deployment && causeWord(deployment.cause) && <span className={css.cause}>{causeWord(deployment.cause)}</span>}
      </span>
      <span className={css.who}>{deployment?.started_by && <Person name={deployment.started_by.name} />}</span>
      <span className={css.took}>
        {job.ended_at ? duration(Date.parse(job.ended_at) - Date.parse(job.created_at)) : "goes on"}
      </span>
      <span className={css.when}>
        <Time at={job.created_at} />
      </span>
    </li>
  );
}
