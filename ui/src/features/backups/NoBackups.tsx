import { Button } from "@mantine/core";
import { IconCalendarRepeat } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { Instance } from "@/api/nouns";
import { EmptyPage, Note } from "@/kit";
import { ScheduleDialog } from "./later";
import { useSchedule } from "./queries";

type Props = {
  workspace: string;
  instance: Instance;
  /** What makes the first one. */
  create: ReactNode;
  problem: string | undefined;
};

/** An instance that was never backed up: what a backup is, and how the first one comes. */
export function NoBackups({ workspace, instance, create, problem }: Props) {
  const schedule = useSchedule(workspace, instance.id).data;
  const [isOpen, setOpen] = useState(false);
  return (
    <EmptyPage
      title="No backups yet"
      action={
        <>
          <div style={{ display: "flex", flexWrap: "wrap", justifyContent: "center", gap: 8 }}>
            {create}
            {schedule?.may_change && (
              <Button
                leftSection={<IconCalendarRepeat size={16} stroke={1.75} aria-hidden />}
                onClick={() => setOpen(true)}
              >
                {schedule.schedule ? "Change the schedule" : "Set a schedule"}
              </Button>
            )}
          </div>
          {problem && (
            <div style={{ marginTop: 16, textAlign: "left" }}>
              <Note tone="bad">{problem}</Note>
            </div>
          )}
          {isOpen && (
            <ScheduleDialog
              workspace={workspace}
              instance={instance}
              plan={schedule?.schedule ?? null}
              onClose={() => setOpen(false)}
            />
          )}
        </>
      }
    >
      A backup is a restorable copy of this instance: its data, its database, its commit and its settings. It is made
      while the instance runs, and lies encrypted on the server's disk.
      {schedule?.schedule && ` The first one by schedule is made at ${schedule.schedule.at} UTC.`}
    </EmptyPage>
  );
}
