// A deployment's steps as a person reads them.

import type { Deployment } from "@/api/nouns";
import { STEPS as KNOWN } from "@/frame/jobs";

/** `untold`: where it stands isn't known, so neither that it is done nor that it isn't is said. */
export type StepState = "done" | "now" | "failed" | "cancelled" | "open" | "untold";
export type Step = { name: string; state: StepState };

/** The agent's steps in their order, by the step that a person sees. */
type Plan = [string, string[]][];

const TO_ITS_END: Plan = [
  ["Start", ["stop", "start"]],
  ["Health", ["health"]],
  ["Switch", ["switch", "settle"]],
];
const DEPLOY: Plan = [
  ["Fetch", ["bring", "fetch", "read"]],
  ["Build", ["build", "store"]],
  ["Release", ["database", "release"]],
  ...TO_ITS_END,
];
const MADE_AGAIN: Plan = [
  ["Check", ["check"]],
  ["Release", ["read", "build", "store", "database", "release"]],
  ...TO_ITS_END,
];
// A commit that isn't there is fetched before anything else. What is replaced is backed up first: with two steps that
// are called as two of a deployment's, so what comes later under the same names is told by what was there before.
const RESTORE: Plan = [
  ["Back up", ["bring", "fetch", "repository", "database", "store", "verify"]],
  ["Restore", ["restore"]],
  ...MADE_AGAIN,
];
const COPY: Plan = [["Restore", ["bring", "fetch", "restore"]], ...MADE_AGAIN];

type Told = Pick<Deployment, "status" | "step" | "cause">;

/** Before the first: it waits, or was never begun. */
const isBefore = (step: string) => step === "" || step === "queued";
const place = (plan: Plan, step: string) => plan.findIndex(([, keys]) => keys.includes(step));

/** `isRestore`: its job says that it begins with a backup. */
function planOf({ cause, step }: Told, isRestore: boolean): Plan {
  if (cause === "restore") return RESTORE;
  // An instance that is made of a backup.
  if (isRestore || step === "restore" || step === "check") return COPY;
  return cause === "rollback" ? TO_ITS_END : DEPLOY;
}

/** How far it came: a step that isn't known, or that is called as an earlier one, takes nothing back. */
export function furthest(told: Told, before: string, isRestore = false): string {
  const plan = planOf(told, isRestore);
  return place(plan, told.step) < place(plan, before) ? before : told.step;
}

export function steps(told: Told, before = "", isRestore = false): Step[] {
  const { status, step } = told;
  const plan = planOf(told, isRestore);
  if (status === "succeeded") return plan.map(([name]) => ({ name, state: "done" }));
  const now = place(plan, furthest(told, before, isRestore));
  const here: StepState =
    status === "running" ? "now" : status === "failed" ? "failed" : status === "cancelled" ? "cancelled" : "open";
  if (now < 0 && status !== "queued" && !isBefore(step)) {
    const own: Step = { name: KNOWN[step] ?? step.replaceAll("_", " "), state: here };
    return [...plan.map(([name]): Step => ({ name, state: "untold" })), own];
  }
  // What runs and has told no step yet is at its first.
  const at = status === "running" ? Math.max(0, now) : now;
  return plan.map(([name], index) => ({ name, state: index < at ? "done" : index === at ? here : "open" }));
}
