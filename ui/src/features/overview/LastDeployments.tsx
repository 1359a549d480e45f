import { useJobs } from "@/api/queries";
import type { Instance } from "@/api/types";
import { duration, Go, Panel, Section, StatusBadge, Table, Time } from "@/kit";
import css from "./overview.module.css";

const LAST = 6;

/** The newest deployments of all instances that the caller sees, as jobs tell of them. */
export function LastDeployments({ slug, instances }: { slug: string; instances: Map<string, Instance> }) {
  const jobs = useJobs(slug);
  const found = jobs.items?.filter(({ kind, instance }) => kind === "deploy" && instance && instances.has(instance));
  if (!found?.length) return null;
  return (
    <Section title="Last deployments">
      <Panel>
        <Table label="Last deployments" head={["Instance", "Outcome", "Branch", "Took", "When"]}>
          {found.slice(0, LAST).map((job) => {
            const instance = instances.get(job.instance ?? "");
            const over = job.ended_at && Date.parse(job.ended_at) - Date.parse(job.created_at);
            return (
              <tr key={job.id}>
                <td>
                  <Go to={`/${slug}/instances/${instance?.slug}`} style={{ fontWeight: 600, color: "var(--text)" }}>
                    {instance?.name}
                  </Go>
                </td>
                <td data-label="Outcome">
                  <span>
                    <StatusBadge status={job.status === "running" ? "deploying" : job.status} />
                  </span>
                </td>
                <td data-label="Branch">{instance?.branch}</td>
                <td data-label="Took" className={css.quiet}>
                  {over ? duration(over) : "Goes on"}
                </td>
                <td data-label="When">
                  <Time at={job.created_at} />
                </td>
              </tr>
            );
          })}
        </Table>
      </Panel>
    </Section>
  );
}
