import { Button, Menu } from "@mantine/core";
import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconCalendarRepeat,
  IconDots,
  IconDownload,
  IconHandClick,
  IconKey,
  IconPlugConnectedX,
  IconPlus,
  IconShieldCheck,
  IconTrash,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { type Backup, getDownloadBackupUrl } from "@/api/generated";
import { viewing } from "@/api/viewing";
import { Said, ShortCommit, StatusIcon, Table, WaitingButton } from "@/kit";
import css from "./backups.module.css";
import { bytes, CAUSES, dayOf, made, madeIn } from "./words";

const ICONS = {
  hand: IconHandClick,
  schedule: IconCalendarRepeat,
  before_restore: IconArrowBackUp,
  before_delete: IconTrash,
};

const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });

type Props = {
  workspace: string;
  backups: Backup[];
  now: number;
  /** Beside the time: of which instance it is. */
  ofInstance?: boolean;
  onRestore: (backup: Backup) => void;
  onDelete: (backup: Backup) => void;
  /** Makes a new instance of it. */
  onNew?: ((backup: Backup) => void) | undefined;
  /** For owners alone. */
  onKey?: ((backup: Backup) => void) | undefined;
  /** Why nothing can be restored now. */
  against?: string | undefined;
};

/** Backups, newest first: when, how, of what, how large, how they stand. */
export function BackupTable(props: Props) {
  const { backups, now, ofInstance } = props;
  return (
    <Table label="Backups" head={["Made", "How", "Commit", "Size", "Added", "State", ""]} figures={["Size", "Added"]}>
      {backups.map((backup) => {
        const Icon = ICONS[backup.cause];
        const when = made(backup.created_at, now);
        return (
          <tr key={backup.id} className={isLost(backup) ? css.unreachable : undefined}>
            <td className={css.made}>
              <time dateTime={backup.created_at}>{when}</time>
              {ofInstance && <div className={css.second}>{backup.instance.name}</div>}
              {ofInstance && backup.expires_at && (
                <div className={css.kept}>
                  Kept until{" "}
                  <time dateTime={backup.expires_at} title={exact.format(Date.parse(backup.expires_at))}>
                    {dayOf(backup.expires_at, now)}
                  </time>
                </div>
              )}
            </td>
            <td data-label="How">
              <span className={css.how}>
                <Icon size={15} stroke={1.75} aria-hidden />
                <span>
                  <span>{CAUSES[backup.cause]}</span>
                  {backup.started_by && <span className={css.quiet}>, {backup.started_by.name}</span>}
                  {backup.note && <span className={css.note}>{backup.note}</span>}
                  {backup.restored && (
                    <span className={css.note}>Restored from {madeIn(backup.restored.created_at, now)}</span>
                  )}
                </span>
              </span>
            </td>
            <td data-label="Commit">{backup.commit ? <ShortCommit commit={backup.commit} /> : "–"}</td>
            <td data-label="Size" data-figures className={css.number}>
              {backup.status === "ready" ? bytes(backup.size) : "–"}
            </td>
            <td data-label="Added" data-figures className={`${css.number} ${css.quiet}`}>
              {backup.status === "ready" ? `+${bytes(backup.added)}` : "–"}
            </td>
            <td data-label="State">
              <State backup={backup} />
            </td>
            <td className={css.actions}>
              {backup.status !== "making" && <Actions {...props} backup={backup} when={when} />}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

/** Whether it was whole, and is where nobody comes any more. */
const isLost = ({ status, is_reachable }: Backup) => status === "ready" && !is_reachable;

function State({ backup }: { backup: Backup }) {
  if (isLost(backup))
    return (
      <span className={css.making}>
        <IconPlugConnectedX size={16} stroke={1.75} aria-hidden />
        <span>
          Unreachable
          <span className={css.note}>Its server was removed, and it was on that server's disk.</span>
        </span>
      </span>
    );
  if (backup.status === "ready" && !backup.verified_at)
    return (
      <span className={css.failed}>
        <IconAlertTriangle size={16} stroke={1.75} aria-hidden />
        <span>
          Damaged
          {backup.warning && <span className={css.note}>{backup.warning}</span>}
        </span>
      </span>
    );
  if (backup.status === "ready" && backup.warning)
    return (
      <span className={css.warned}>
        <IconAlertTriangle size={16} stroke={1.75} aria-hidden />
        <span>
          Verified, with a warning
          <span className={css.note}>{backup.warning}</span>
        </span>
      </span>
    );
  if (backup.status === "ready")
    return (
      <span className={css.verified} title="Read back after it was written">
        <IconShieldCheck size={16} stroke={1.75} aria-hidden />
        Verified
      </span>
    );
  if (backup.status === "failed")
    return (
      <span className={css.failed}>
        <IconAlertTriangle size={16} stroke={1.75} aria-hidden />
        <span>
          Failed
          {backup.reason && (
            <span className={css.note}>
              <Said text={backup.reason} />
            </span>
          )}
        </span>
      </span>
    );
  return (
    <span className={css.making}>
      <StatusIcon status="deploying" /> Being made
    </span>
  );
}

function Actions(props: Props & { backup: Backup; when: string }) {
  const { backup, when } = props;
  const isReady = backup.status === "ready" && !isLost(backup);
  // What it was made of is gone: one comes for the whole of it, not to write over something else.
  const isGone = props.ofInstance && props.onNew !== undefined;
  // Whoever looks on as a member does nothing.
  if (viewing()) return null;
  return (
    <span className={css.buttons}>
      {isReady && (
        <>
          {isGone ? (
            <Button
              variant="subtle"
              leftSection={<IconPlus size={16} stroke={1.75} aria-hidden />}
              aria-label={`New instance from it…: the backup of ${when}`}
              onClick={() => props.onNew?.(backup)}
            >
              New instance from it…
            </Button>
          ) : (
            <IconButton
              label={`Restore the backup of ${when}`}
              disabled={props.against}
              onClick={() => props.onRestore(backup)}
            >
              <IconArrowBackUp size={16} stroke={1.75} aria-hidden />
            </IconButton>
          )}
          <Button
            component="a"
            href={getDownloadBackupUrl(props.workspace, backup.id)}
            download
            variant="subtle"
            px={6}
            aria-label={`Download the backup of ${when}`}
          >
            <IconDownload size={16} stroke={1.75} aria-hidden />
          </Button>
        </>
      )}
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <Button variant="subtle" px={6} aria-label={`More about the backup of ${when}`}>
            <IconDots size={16} stroke={1.75} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {isReady && isGone && (
            <Menu.Item
              leftSection={<IconArrowBackUp size={16} stroke={1.75} aria-hidden />}
              onClick={() => props.onRestore(backup)}
            >
              Restore into another…
            </Menu.Item>
          )}
          {isReady && !isGone && props.onNew && (
            <Menu.Item
              leftSection={<IconPlus size={16} stroke={1.75} aria-hidden />}
              onClick={() => props.onNew?.(backup)}
            >
              New instance from it…
            </Menu.Item>
          )}
          {/* What lies on the disk of a removed server is opened by hand, by whoever has that machine. */}
          {backup.status === "ready" && props.onKey && (
            <Menu.Item
              leftSection={<IconKey size={16} stroke={1.75} aria-hidden />}
              onClick={() => props.onKey?.(backup)}
            >
              Key for restic…
            </Menu.Item>
          )}
          <Menu.Item
            leftSection={<IconTrash size={16} stroke={1.75} aria-hidden />}
            color="var(--bad)"
            onClick={() => props.onDelete(backup)}
          >
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </span>
  );
}

function IconButton(props: { label: string; disabled: string | undefined; onClick: () => void; children: ReactNode }) {
  return (
    <WaitingButton variant="subtle" px={6} aria-label={props.label} why={props.disabled} onClick={props.onClick}>
      {props.children}
    </WaitingButton>
  );
}
