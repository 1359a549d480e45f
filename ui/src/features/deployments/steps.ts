// A deployment's steps as a person reads them.

import type { Deployment } from "@/api/nouns";

export type StepState = "done" | "now" | "failed" | "open";
export type Step = { name: string; state: StepState };

/** The agent's steps in their order, by the step that a person sees. */
const STEPS: [string, string[]][] = [
  ["Fetch", ["fetch", "read"]],
  ["Build", ["build", "store"]],
  ["Release", ["release"]],
  ["Start", ["stop", "start"]],
  ["Health", ["health"]],
  ["Switch", ["switch", "settle"]],
];

export function steps({ status, step }: Pick<Deployment, "status" | "step">): Step[] {
  const now = STEPS.findIndex(([, keys]) => keys.includes(step));
  return STEPS.map(([name], at) => {
    if (status === "succeeded" || at < now) return { name, state: "done" };
    if (at > now || status === "queued") return { name, state: "open" };
    return { name, state: status === "running" ? "now" : status === "failed" ? "failed" : "open" };
  });
}
