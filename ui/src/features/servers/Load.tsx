import { Progress } from "@mantine/core";
import type { Server } from "@/api/types";
import css from "./servers.module.css";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** How much of a machine is used, each as a share and in numbers. */
export function Load({ machine }: { machine: NonNullable<Server["machine"]> }) {
  const rows = [
    {
      name: "Processor",
      share: machine.processor_used,
      words: `${Math.round(machine.processor_used)} % of ${machine.processors}`,
    },
    {
      name: "Memory",
      share: (100 * machine.memory_used) / Math.max(1, machine.memory),
      words: `${bytes(machine.memory_used)} of ${bytes(machine.memory)}`,
    },
    {
      name: "Disk",
      share: (100 * machine.disk_used) / Math.max(1, machine.disk),
      words: `${bytes(machine.disk_used)} of ${bytes(machine.disk)}`,
    },
  ];
  return (
    <div className={css.bars}>
      {rows.map(({ name, share, words }) => (
        <div key={name} className={css.bar}>
          <span>{name}</span>
          <Progress value={share} size={6} aria-label={name} {...(share > 90 && { color: "var(--warn)" })} />
          <span className="numbers">{words}</span>
        </div>
      ))}
    </div>
  );
}
