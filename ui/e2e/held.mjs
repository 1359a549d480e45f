// Answers of a provider that don't end: to see that whoever stops reading ends them there too.

import { once } from "node:events";
import { until } from "./stoa.mjs";

export function holder() {
  let held = null;
  return {
    /** From now on answers don't end: what is given back waits until one is under way, and until whoever asked has left. */
    hold() {
      const told = { isReached: false, isLeft: false };
      held = told;
      return {
        reached: () => until("an answer is under way", () => told.isReached),
        left: () => until("whoever asked has left", () => told.isLeft),
      };
    },
    release() {
      held = null;
    },
    /** For a provider, once it has said all but the end: whether it was kept from that. */
    async keeps(answer) {
      const told = held;
      if (!told) return false;
      told.isReached = true;
      await once(answer, "close");
      told.isLeft = true;
      return true;
    },
  };
}
