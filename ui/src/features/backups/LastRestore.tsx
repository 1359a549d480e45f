import type { Instance } from "@/api/nouns";
import { useDeployments } from "@/api/queries";
import { Go, Note, Said, Time } from "@/kit";
import css from "./backups.module.css";
import { useLastRestore } from "./queries";

/** Why the last restore failed, and where its log is. Nothing, once another has begun or succeeded. */
export function LastRestore({ workspace, instance }: { workspace: string; instance: Instance }) {
  const job = useLastRestore(workspace, instance.id);
  const deployments = useDeployments(workspace, instance.id, instance.may.includes("read_logs"));
  if (job?.status !== "failed" || instance.job?.kind === "restore") return null;
  const deployment = deployments.items?.find((one) => one.job === job.id);
  return (
    <div className={css.lastRestore}>
      <Note tone="bad">
        <p>
          The last restore failed <Time at={job.ended_at ?? job.created_at} just />
          {deployment && (
            <>
              , in{" "}
              <Go to={`/${workspace}/instances/${instance.slug}/deployments/${deployment.id}`}>
                deployment #{deployment.number}
              </Go>
            </>
          )}
          .
        </p>
        <p>
          {job.error?.detail ? (
            <Said text={job.error.detail} />
          ) : (
            // It may quote a log.
            "Why is told to whoever began it, and to whoever may read the logs."
          )}
        </p>
      </Note>
    </div>
  );
}
