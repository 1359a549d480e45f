// What is set of an instance, in the words of the page.

import type { EnforcedBy, InstanceHealth, SettingsPart } from "@/api/generated";

const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Bytes as people write a limit: `512 MiB`. What isn't whole in a unit is told in a smaller one. */
export function size(bytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB"] as const)
    if (bytes >= UNITS[unit] && bytes % UNITS[unit] === 0) return `${bytes / UNITS[unit]} ${unit}`;
  return `${bytes} bytes`;
}

/** What was typed as a size, in bytes; `null` where nothing was, `undefined` where it isn't one. */
export function bytesOf(typed: string): number | null | undefined {
  const text = typed.trim();
  if (text === "") return null;
  const found = /^([0-9]+(?:\.[0-9]+)?)\s*(k|m|g|t)?(i?b|bytes)?$/i.exec(text);
  if (!found) return undefined;
  const unit = (found[2] ?? "").toLowerCase();
  const factor = unit ? 2 ** (10 * ("kmgt".indexOf(unit) + 1)) : 1;
  return Math.round(Number(found[1]) * factor);
}

/** Thousandths of a processor, as people say them: `1.5`. */
export const processors = (thousandths: number): string => String(thousandths / 1000);

/** What was typed as a number of processors, in thousandths. */
export function thousandthsOf(typed: string): number | null | undefined {
  const text = typed.trim().replace(",", ".");
  if (text === "") return null;
  return /^[0-9]+(\.[0-9]{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : undefined;
}

export function countOf(typed: string): number | null | undefined {
  const text = typed.trim();
  if (text === "") return null;
  return /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** How a limit is enforced where the instance runs. */
export const ENFORCED: Record<EnforcedBy, string> = {
  control_groups: "held by the kernel, by control groups",
  watch: "held by limits on each process and a look each second",
  user: "held by the kernel, for the instance's own user",
  count: "counted every 10 seconds and before each deployment; over it, the instance is stopped",
  nothing: "not held on this server: its kernel hands out no share of the processor",
};

/** The health check that a form begins with: what an application has that says nothing. */
export const USUAL_HEALTH: InstanceHealth = {
  path: "/",
  status: ["2xx", "3xx"],
  start_seconds: 60,
  every_seconds: 15,
  failures: 3,
};

const NAMES: Record<SettingsPart["setting"], string> = {
  environment: "variable",
  domain: "domain",
  branch: "Branch",
  health: "Health check",
  memory: "Memory",
  processor: "Processor",
  processes: "Processes",
  disk: "Disk",
  backup_schedule: "Backups",
  visibility: "Who may open it",
  protection: "Protection",
  name: "Name",
};

function value(setting: SettingsPart["setting"], text: string | null): string {
  if (text === null) {
    if (setting === "health") return "as the application says";
    if (setting === "backup_schedule") return "by hand only";
    return setting === "processor" ? "no limit" : "the usual";
  }
  switch (setting) {
    case "memory":
    case "disk":
      return size(Number(text));
    case "processor":
      return processors(Number(text));
    case "visibility":
      return text === "members" ? "members" : "anyone";
    case "protection":
      return text === "true" ? "on" : "off";
    default:
      return text;
  }
}

/** One thing that a change did. */
export type Line = { what: string; detail: string };

export function lineOf(part: SettingsPart): Line {
  const { setting, name, turn, secret } = part;
  if (setting === "domain") return { what: `${turn === "added" ? "Added" : "Removed"} ${name}`, detail: "" };
  if (setting === "environment") {
    const verb = { added: "Set", changed: "Changed", removed: "Removed" }[turn];
    if (secret) return { what: `${verb} ${name}`, detail: "secret" };
    const detail = turn === "changed" ? `${part.before} → ${part.after}` : turn === "added" ? (part.after ?? "") : "";
    return { what: `${verb} ${name}`, detail };
  }
  return { what: NAMES[setting], detail: `${value(setting, part.before)} → ${value(setting, part.after)}` };
}

/** What undoing a part of a change leads to; null where it stays as it is, since what it was isn't known. */
export function undoneOf(part: SettingsPart): Line | null {
  const { setting, turn, secret, before } = part;
  const name = part.name ?? "";
  if (setting === "domain")
    return turn === "added"
      ? { what: `${name} is removed`, detail: "" }
      : { what: `${name} comes back`, detail: "to be proved anew" };
  if (setting !== "environment") return { what: NAMES[setting], detail: value(setting, before) };
  if (turn === "added")
    return { what: `${name} is removed${secret ? " for good: values of secrets aren't kept" : ""}`, detail: "" };
  return secret ? null : { what: name, detail: before ?? "" };
}

/** Secret variables of a change whose earlier values are gone. */
export const kept = (parts: SettingsPart[]): string[] =>
  parts
    .filter((part) => part.setting === "environment" && part.secret && part.turn !== "added")
    .map(({ name }) => name ?? "");
