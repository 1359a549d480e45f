// Branch, health check, limits and backups: a form each.

import { NumberInput, Switch, TextInput } from "@mantine/core";
import type { BackupPlan, InstanceHealth } from "@/api/generated";
import { ChooseBranch } from "./ChooseBranch";
import { type Here, SettingForm } from "./SettingForm";
import css from "./settings.module.css";
import { bytesOf, countOf, ENFORCED, processors, size, thousandthsOf, USUAL_HEALTH } from "./words";

export function Branch({ here }: { here: Here }) {
  return (
    <SettingForm<{ branch: string }>
      id="branch"
      title="Branch"
      sentence="What is pushed or merged into it is deployed here."
      what="the branch"
      here={here}
      draftOf={({ branch }) => ({ branch })}
      fields={({ branch }) => ({ Branch: branch })}
      bodyOf={({ branch }) => (branch.trim() ? { branch: branch.trim() } : null)}
      save="Save and deploy"
    >
      {({ draft, set, problem }) => (
        <>
          <ChooseBranch
            here={here}
            value={draft.branch}
            onChange={(branch) => set({ branch })}
            error={problem?.field("branch")}
          />
          {draft.branch !== here.settings.branch && (
            <span className={css.quiet}>
              The newest commit of {draft.branch} is deployed at once. Until it is well, what runs now goes on.
            </span>
          )}
        </>
      )}
    </SettingForm>
  );
}

type HealthDraft = { isOwn: boolean; health: InstanceHealth };

export function Health({ here }: { here: Here }) {
  return (
    <SettingForm<HealthDraft>
      id="health"
      title="Health check"
      sentence="How Stoa asks the application whether it is well, after it was started and from then on."
      what="the health check"
      here={here}
      draftOf={({ health }) => ({ isOwn: health !== null, health: health ?? USUAL_HEALTH })}
      fields={({ isOwn, health }) => ({
        "whether it is asked in another way": isOwn,
        Path: health.path,
        "Good answers": health.status,
        "Seconds to start": health.start_seconds,
        "Seconds between": health.every_seconds,
        "Bad answers until a restart": health.failures,
      })}
      bodyOf={({ isOwn, health }) => ({ health: isOwn ? health : null })}
    >
      {({ draft, set, problem }) => {
        const change = (some: Partial<InstanceHealth>) => set({ health: { ...draft.health, ...some } });
        const number = (key: "start_seconds" | "every_seconds" | "failures", label: string, max: number) => (
          <NumberInput
            label={label}
            value={draft.health[key]}
            min={1}
            max={max}
            allowDecimal={false}
            onChange={(value) => change({ [key]: Number(value) })}
            error={problem?.field(`health.${key}`)}
          />
        );
        return (
          <>
            <Switch
              label="Ask in another way than the application says"
              description="Otherwise its stoa.toml holds, or what is usual for its kind."
              checked={draft.isOwn}
              onChange={(event) => set({ isOwn: event.currentTarget.checked })}
            />
            {draft.isOwn && (
              <>
                <div className={css.two}>
                  <TextInput
                    label="Path"
                    description="Empty: it is enough that something listens."
                    value={draft.health.path}
                    spellCheck={false}
                    onChange={(event) => change({ path: event.currentTarget.value })}
                    error={problem?.field("health.path")}
                  />
                  <TextInput
                    label="Good answers"
                    description="Codes, or classes such as 2xx."
                    value={draft.health.status.join(", ")}
                    spellCheck={false}
                    onChange={(event) =>
                      change({ status: event.currentTarget.value.split(",").map((status) => status.trim()) })
                    }
                    error={problem?.field("health.status")}
                  />
                </div>
                <div className={css.three}>
                  {number("start_seconds", "Seconds to start", 600)}
                  {number("every_seconds", "Seconds between", 3600)}
                  {number("failures", "Bad answers until a restart", 100)}
                </div>
              </>
            )}
          </>
        );
      }}
    </SettingForm>
  );
}

type LimitsDraft = { memory: string; processor: string; processes: string; disk: string };

export function Limits({ here }: { here: Here }) {
  const { limit_rules: rules } = here.settings;
  const shown = (value: number | null, write: (value: number) => string) => (value === null ? "" : write(value));
  return (
    <SettingForm<LimitsDraft>
      id="limits"
      title="Limits"
      sentence="What all of its processes may use together. An empty field is what is usual. Working copies in the IDE are not counted: each member's may take 10 GiB."
      what="the limits"
      here={here}
      draftOf={({ limits }) => ({
        memory: shown(limits.memory ?? null, size),
        processor: shown(limits.processor ?? null, processors),
        processes: shown(limits.processes ?? null, String),
        disk: shown(limits.disk ?? null, size),
      })}
      fields={({ memory, processor, processes, disk }) => ({
        Memory: memory,
        Processors: processor,
        "Processes and threads": processes,
        Disk: disk,
      })}
      bodyOf={(draft) => {
        const memory = bytesOf(draft.memory);
        const processor = thousandthsOf(draft.processor);
        const processes = countOf(draft.processes);
        const disk = bytesOf(draft.disk);
        if (memory === undefined || processor === undefined || processes === undefined || disk === undefined)
          return null;
        return { limits: { memory, processor, processes, disk } };
      }}
    >
      {({ draft, set, problem }) => {
        const field = (
          key: keyof LimitsDraft,
          label: string,
          read: (typed: string) => number | null | undefined,
          write: (value: number) => string,
          example: string,
        ) => {
          const rule = rules[key];
          const usual = rule.usual === null ? "no limit" : write(rule.usual);
          const range = `From ${write(rule.least)} to ${write(rule.most)}.`;
          const unread = read(draft[key]) === undefined && `Write it such as ${example}.`;
          const by = rule.enforced_by
            ? ENFORCED[rule.enforced_by]
            : "how it is held isn't known while its server is away";
          return (
            <TextInput
              label={label}
              description={`Usual: ${usual}. ${by[0]?.toUpperCase()}${by.slice(1)}.`}
              placeholder={usual}
              value={draft[key]}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => set({ [key]: event.currentTarget.value })}
              error={unread || (problem?.field(`limits.${key}`) && range)}
            />
          );
        };
        return (
          <div className={css.two}>
            {field("memory", "Memory", bytesOf, size, "512 MiB")}
            {field("processor", "Processors", thousandthsOf, processors, "1.5")}
            {field("processes", "Processes and threads", countOf, String, "512")}
            {field("disk", "Disk", bytesOf, size, "20 GiB")}
          </div>
        );
      }}
    </SettingForm>
  );
}

const FIRST: BackupPlan = { at: "02:00", keep_days: 7, keep_weeks: 4, keep_months: 6 };
type PlanDraft = { isOn: boolean; plan: BackupPlan };

export function Backups({ here }: { here: Here }) {
  return (
    <SettingForm<PlanDraft>
      id="backups"
      title="Backup schedule"
      sentence="Backups made by hand are kept until somebody deletes them."
      what="the backup schedule"
      here={here}
      draftOf={({ backup_schedule }) => ({ isOn: backup_schedule !== null, plan: backup_schedule ?? FIRST })}
      fields={({ isOn, plan }) => ({
        "whether it backs up every day": isOn,
        "At (UTC)": plan.at,
        "Days kept": plan.keep_days,
        "Weeks kept": plan.keep_weeks,
        "Months kept": plan.keep_months,
      })}
      bodyOf={({ isOn, plan }) => ({ backup_schedule: isOn ? plan : null })}
    >
      {({ draft, set, problem }) => {
        const change = (some: Partial<BackupPlan>) => set({ plan: { ...draft.plan, ...some } });
        const number = (key: "keep_days" | "keep_weeks" | "keep_months", label: string, min: number, max: number) => (
          <NumberInput
            label={label}
            value={draft.plan[key]}
            min={min}
            max={max}
            allowDecimal={false}
            onChange={(value) => change({ [key]: Number(value) })}
          />
        );
        return (
          <>
            <Switch
              label="Back up every day"
              checked={draft.isOn}
              onChange={(event) => set({ isOn: event.currentTarget.checked })}
            />
            {draft.isOn && (
              <div className={css.four}>
                <TextInput
                  label="At (UTC)"
                  value={draft.plan.at}
                  onChange={(event) => change({ at: event.currentTarget.value })}
                  error={problem?.field("backup_schedule.at") ?? problem?.field("backup_schedule")}
                />
                {number("keep_days", "Days kept", 1, 366)}
                {number("keep_weeks", "Weeks kept", 0, 104)}
                {number("keep_months", "Months kept", 0, 60)}
              </div>
            )}
          </>
        );
      }}
    </SettingForm>
  );
}
