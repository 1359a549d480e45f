import { Switch } from "@mantine/core";
import {
  IconAdjustmentsHorizontal,
  IconCode,
  IconDatabaseExport,
  IconFileText,
  IconFolderOpen,
  IconGitMerge,
  IconMinus,
  IconPlayerStop,
  IconPlus,
  IconRefresh,
  IconTrash,
  IconUserShare,
} from "@tabler/icons-react";
import { useId } from "react";
import type { ActionKey } from "@/api/nouns";
import { Chip } from "@/kit";
import type { ActionWords } from "@/kit/actions";
import { EndOf } from "./EndOf";
import css from "./permissions.module.css";

const ICONS: Record<ActionKey, typeof IconCode> = {
  view_projects: IconFolderOpen,
  restart_instances: IconRefresh,
  connect_as_user: IconUserShare,
  merge_branches: IconGitMerge,
  stop_instances: IconPlayerStop,
  delete_instances: IconTrash,
  manage_backups: IconDatabaseExport,
  view_logs: IconFileText,
  use_ide: IconCode,
  manage_settings: IconAdjustmentsHorizontal,
};

type Props = {
  action: ActionWords;
  isOn: boolean;
  /** Added or taken away since it was loaded. */
  change: boolean | undefined;
  /** When it ends, and whether that was set since. */
  until: string | undefined;
  isEndChanged: boolean;
  onChange: (on: boolean) => void;
  onEnd: (at: string | null) => void;
};

export function ActionRow({ action, isOn, change, until, isEndChanged, onChange, onEnd }: Props) {
  const id = useId();
  const Icon = ICONS[action.key];
  return (
    <div
      className={`${css.action} ${change === undefined && !isEndChanged ? "" : css.changed}`}
      data-on={isOn || undefined}
    >
      <Icon size={17} stroke={1.75} aria-hidden />
      <div>
        <div className={css.label}>
          <label htmlFor={id}>{action.label}</label>
          {change === true && (
            <Chip tone="good">
              <IconPlus size={12} aria-hidden />
              added
            </Chip>
          )}
          {change === false && (
            <Chip tone="bad">
              <IconMinus size={12} aria-hidden />
              taken away
            </Chip>
          )}
          {isOn && <EndOf label={action.label} at={until} onChange={onEnd} />}
        </div>
        <div className={css.sentence} id={`${id}-says`}>
          {action.sentence} {action.implies && <span className={css.implies}>{action.implies}</span>}
        </div>
      </div>
      <Switch
        id={id}
        checked={isOn}
        onChange={(event) => onChange(event.currentTarget.checked)}
        aria-describedby={`${id}-says`}
      />
    </div>
  );
}
