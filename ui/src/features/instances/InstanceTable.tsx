import { IconExternalLink, IconGitBranch, IconServer2 } from "@tabler/icons-react";
import type { Instance } from "@/api/nouns";
import { stateOf } from "@/frame/jobs";
import { Cut, Go, ShortCommit, StageTag, StatusBadge, Table } from "@/kit";
import css from "./instances.module.css";

const HEAD = ["Instance", "Status", "Stage", "Branch", "Server", "Address"];

/** Instances line by line; on a phone, card by card. */
export function InstanceTable({ workspace, instances }: { workspace: string; instances: Instance[] }) {
  return (
    <Table label="Instances" head={HEAD}>
      {instances.map((instance) => (
        <tr key={instance.id}>
          <td className={css.main}>
            <Go className={css.name ?? ""} to={`/${workspace}/instances/${instance.slug}`}>
              {instance.name}
            </Go>
            <div className={css.second}>{instance.project.name}</div>
          </td>
          <td data-label="Status">
            <span>
              <StatusBadge {...stateOf(instance)} />
            </span>
          </td>
          <td data-label="Stage">
            <span>
              <StageTag stage={instance.stage} />
            </span>
          </td>
          <td data-label="Branch">
            <span className={css.branch}>
              <IconGitBranch size={15} stroke={1.75} aria-hidden />
              <Cut text={instance.branch} /> {instance.commit && <ShortCommit commit={instance.commit} />}
            </span>
          </td>
          <td data-label="Server">
            {instance.server ? (
              <span className={css.branch}>
                <IconServer2 size={15} stroke={1.75} aria-hidden />
                <Cut text={instance.server.name} />
              </span>
            ) : (
              <span className={css.second}>Not shown to you</span>
            )}
          </td>
          <td data-label="Address">
            {instance.url && (
              <a className={css.visit} href={instance.url} target="_blank" rel="noreferrer">
                <IconExternalLink size={15} stroke={1.75} aria-hidden />
                <Cut text={instance.url.replace(/^https?:\/\//, "")} />
              </a>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
