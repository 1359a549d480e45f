import { Button } from "@mantine/core";
import { IconCalendarRepeat, IconDatabase, IconHistory, IconLock } from "@tabler/icons-react";
import { useState } from "react";
import type { BackupPlan } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { Panel } from "@/kit";
import { Ahead } from "@/kit/Ahead";
import css from "./backups.module.css";
import { ScheduleDialog } from "./later";
import { useSchedule } from "./queries";

function kept(plan: BackupPlan): string {
  const parts = [
    [plan.keep_days, "day"],
    [plan.keep_weeks, "week"],
    [plan.keep_months, "month"],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}${count === 1 ? "" : "s"}`)
    .join(", ");
}

/** When backups are made by themselves, which are kept, and where they are. */
export function Plan({ workspace, instance }: { workspace: string; instance: Instance }) {
  const found = useSchedule(workspace, instance.id);
  const [isOpen, setOpen] = useState(false);
  const plan = found.data?.schedule;
  return (
    <aside aria-label="Plan" className={css.plan}>
      <div className={css.head}>
        <h2>Plan</h2>
        {found.data?.may_change && (
          <Button variant="subtle" className={css.change ?? ""} onClick={() => setOpen(true)}>
            Change
          </Button>
        )}
      </div>
      <Panel>
        <ul className={css.facts}>
          <li>
            <IconCalendarRepeat size={16} stroke={1.75} aria-hidden />
            <span>
              <strong>{plan ? `Every day, ${plan.at} UTC` : "By hand only"}</strong>
              <span>
                {found.data?.next_at ? (
                  <>
                    next <Ahead at={found.data.next_at} />
                  </>
                ) : (
                  "no schedule is set"
                )}
              </span>
            </span>
          </li>
          <li>
            <IconHistory size={16} stroke={1.75} aria-hidden />
            <span>
              <strong>{plan ? `Keeps ${kept(plan)}` : "Keeps all of them"}</strong>
              <span>{plan ? "of those by schedule; older ones are thinned out" : "until somebody deletes them"}</span>
            </span>
          </li>
          <li>
            <IconDatabase size={16} stroke={1.75} aria-hidden />
            <span>
              <strong>On the server's disk</strong>
              <span>encrypted, each part stored once</span>
            </span>
          </li>
          <li>
            <IconLock size={16} stroke={1.75} aria-hidden />
            <span>
              <strong>restic format</strong>
              <span>restorable without Stoa</span>
            </span>
          </li>
        </ul>
      </Panel>
      <p>
        A backup holds the instance's data, its database, its commit and its settings. Secrets stay encrypted in it.
      </p>
      {isOpen && found.data && (
        <ScheduleDialog workspace={workspace} instance={instance} plan={plan ?? null} onClose={() => setOpen(false)} />
      )}
    </aside>
  );
}
