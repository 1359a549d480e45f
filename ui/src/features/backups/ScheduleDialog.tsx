import { Button, NumberInput, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { type BackupPlan, changeBackupSchedule } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Dialog, Note } from "@/kit";
import css from "./backups.module.css";
import { AFTER } from "./queries";

const FIRST: BackupPlan = { at: "02:00", keep_days: 7, keep_weeks: 4, keep_months: 6 };

/** When backups are made by themselves, and which of them are kept. */
export function ScheduleDialog(props: {
  workspace: string;
  instance: Instance;
  plan: BackupPlan | null;
  onClose: () => void;
}) {
  const [isOn, setOn] = useState(props.plan !== null);
  const [plan, setPlan] = useState(props.plan ?? FIRST);
  const save = useAct<void>(props.workspace, {
    act: () => changeBackupSchedule(props.workspace, props.instance.id, { schedule: isOn ? plan : null }),
    nouns: [...AFTER],
    onDone: props.onClose,
  });
  const number = (key: "keep_days" | "keep_weeks" | "keep_months", label: string, min: number, max: number) => (
    <NumberInput
      label={label}
      value={plan[key]}
      min={min}
      max={max}
      allowDecimal={false}
      disabled={!isOn}
      onChange={(value) => setPlan({ ...plan, [key]: Number(value) })}
    />
  );
  return (
    <Dialog
      opened
      onClose={props.onClose}
      title={`Backup plan of ${props.instance.name}`}
      sentence="Backups made by hand are kept until somebody deletes them."
      onSubmit={() => save.mutate()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" variant="filled" loading={save.isPending}>
            Save
          </Button>
        </>
      }
    >
      <div className={css.restore}>
        <Switch label="Back up every day" checked={isOn} onChange={(event) => setOn(event.currentTarget.checked)} />
        <TextInput
          label="At (UTC)"
          value={plan.at}
          disabled={!isOn}
          pattern="([01][0-9]|2[0-3]):[0-5][0-9]"
          onChange={(event) => setPlan({ ...plan, at: event.currentTarget.value })}
        />
        <div className={css.numbers}>
          {number("keep_days", "Days kept", 1, 366)}
          {number("keep_weeks", "Weeks kept", 0, 104)}
          {number("keep_months", "Months kept", 0, 60)}
        </div>
        {save.error && (
          <Note tone="bad">{save.error.errors.map(({ detail }) => detail).join(" ") || save.error.detail}</Note>
        )}
      </div>
    </Dialog>
  );
}
