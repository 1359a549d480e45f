import { Progress } from "@mantine/core";
import { IconAlertTriangleFilled } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Server } from "@/api/nouns";
import { bytes } from "./bytes";
import css from "./servers.module.css";

export type LoadShare = { name: string; share: number; of: string; isMuch: boolean };

/** From this share on, a bar is a warning. */
const MUCH = 90;

/** How much of a machine is used: processor, memory and disk, in percent. */
export function loadOf(machine: NonNullable<Server["machine"]>): LoadShare[] {
  const share = (name: string, used: number, whole: number) => {
    const share = (100 * used) / Math.max(1, whole);
    return { name, share, of: bytes(whole), isMuch: share >= MUCH };
  };
  const { processors, processor_used } = machine;
  return [
    // A processor that is busy does its work; memory and disk that are full stop it.
    { name: "Processor", share: processor_used, of: `${processors} cores`, isMuch: false },
    share("Memory", machine.memory_used, machine.memory),
    share("Disk", machine.disk_used, machine.disk),
  ];
}

/** A server's state in a word, and why it needs somebody. */
export function serverState({ machine, status }: Server): { status: string; word?: string } {
  if (!machine) return { status: status === "ready" ? "away" : status };
  if (machine.no_sandbox) return { status: "attention", word: "No sandbox" };
  const full = loadOf(machine).find(({ isMuch }) => isMuch);
  return full ? { status: "attention", word: `${full.name} nearly full` } : { status };
}

/** One share: its percent, of what, and a bar. Much of it is told by an icon and colour. */
export function Share({ name, share, of, isMuch }: LoadShare) {
  return (
    <div className={css.share}>
      <span className={`${css.percent} ${isMuch ? css.much : ""} numbers`}>
        {isMuch && <IconAlertTriangleFilled size={14} role="img" aria-label="Nearly full" />}
        {Math.round(share)} %
      </span>
      <span className={css.quiet}>{of}</span>
      <Progress value={share} size={5} aria-label={name} {...(isMuch && { color: "var(--warn)" })} />
    </div>
  );
}

/** The same at a glance: `line` is how it was. */
export function Load({ machine, line }: { machine: NonNullable<Server["machine"]>; line: ReactNode }) {
  return (
    <div className={css.shares}>
      {line}
      {loadOf(machine).map(({ name, share, isMuch }) => (
        <div key={name}>
          <div className={css.quiet}>{name}</div>
          <span className={`${css.percent} ${isMuch ? css.much : ""} numbers`}>
            {Math.round(share)} %{isMuch && <IconAlertTriangleFilled size={14} role="img" aria-label="Nearly full" />}
          </span>
        </div>
      ))}
    </div>
  );
}
