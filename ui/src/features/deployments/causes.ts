import type { Cause } from "@/api/generated";

/** What a deployment came of, where it wasn't a push: that is what they are unless it is said otherwise. */
const CAUSES: Record<Cause, string | null> = {
  push: null,
  merge: "Merge",
  owner: "By hand",
  settings: "Settings",
  rollback: "Roll back",
  restore: "Restore",
  create: "First",
};

export const causeWord = (cause: Cause): string | null => CAUSES[cause];
