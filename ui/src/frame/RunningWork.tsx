import { Menu } from "@mantine/core";
import { IconLoader2 } from "@tabler/icons-react";
import type { Workspace } from "@/api/nouns";
import { useRunningJobs } from "@/api/queries";
import { later } from "@/kit/later";
import { usePhone } from "@/kit/usePhone";
import css from "./frame.module.css";

const RunningList = later(async () => (await import("./RunningList")).RunningList);

/** What runs now, on every page. Absent while nothing does. */
export function RunningWork({ workspace }: { workspace: Workspace }) {
  const { items: jobs } = useRunningJobs(workspace.slug);
  const phone = usePhone();
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
        <RunningList workspace={workspace} jobs={jobs} />
      </Menu.Dropdown>
    </Menu>
  );
}
