// What goes on at an instance, and what can be done about it.

import type { Able, Instance, Job, Verb } from "@/api/nouns";

const CALLED: Record<Job["kind"], string> = {
  deploy: "the deployment",
  start: "the start",
  stop: "the stop",
  restart_soft: "the restart",
  restart_hard: "the restart",
  backup: "the backup",
  restore: "the restore",
  delete: "the deletion",
};

/** Whoever may do this may cancel it. A deployment is begun in several ways; which one it was, the server knows. */
const BEGUN: Record<Job["kind"], readonly Verb[]> = {
  deploy: ["deploy", "merge", "use_ide"],
  start: ["start"],
  stop: ["stop"],
  restart_soft: ["restart"],
  restart_hard: ["restart"],
  backup: ["backup"],
  restore: ["backup"],
  // One that has begun goes on.
  delete: [],
};

/** What goes on, in the middle of a sentence. */
export const calledOf = (job: Pick<Job, "kind">): string => CALLED[job.kind];

/** By which of what may be done here it can be cancelled; undefined where by none. */
export const cancelledBy = ({ may }: Pick<Able, "may">, job: Pick<Job, "kind">): Verb | undefined =>
  BEGUN[job.kind].find((verb) => may.includes(verb));

/** Stopping and deleting cancel what goes on where they are told to: that it goes on isn't against them. */
export function cancelling({ may, blocked, status, job }: Pick<Instance, "may" | "blocked" | "status" | "job">): Able {
  // Nothing would be stopped by it that isn't being stopped, or down, already.
  const isForNothing = job?.kind === "stop" || (status === "stopped" && job?.kind === "backup");
  const verbs: string[] = isForNothing ? ["delete"] : ["delete", "stop"];
  const isAgainst = ([verb, { code }]: [string, { code: string }]) => code !== "instance_busy" || !verbs.includes(verb);
  return { may, blocked: Object.fromEntries(Object.entries(blocked).filter(isAgainst)) };
}

/**
 * Which of starting, restarting and stopping there is as it is now, allowed or not: of what is stopped, starting stands in
 * the place of both others.
 */
export function thereIs(instance: Parameters<typeof cancelling>[0]) {
  const able = cancelling(instance);
  const isDown = instance.status === "stopped" || instance.status === "failed";
  // What has failed is started again and again, and what is being started would run: both can be stopped.
  const stop = !isDown || (able.may.includes("stop") && !able.blocked.stop);
  return { able, isDown, stop, restart: instance.status !== "stopped" };
}
