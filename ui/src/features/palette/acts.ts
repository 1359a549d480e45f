// What can be done to the instance that is open, as the buttons on its page do it.

import { IconDatabaseExport, IconPlayerPlay, IconPlayerStop, IconRefresh } from "@tabler/icons-react";
import type { Able, Instance, Verb } from "@/api/nouns";
import { thereIs } from "@/features/instances/goingOn";
import { reasonAgainst } from "@/kit";

type Kind = "restart_soft" | "restart_hard" | "start" | "stop" | "backup";
export type Act = { instance: Instance; act: Kind };

type Offered = { act: Kind; word: string; Icon: typeof IconRefresh; against: string | null };

/** What its page offers now; `against` says why it can't be done at the moment. */
export function actsOf(instance: Instance): Offered[] {
  const { able, isDown, stop, restart } = thereIs(instance);
  const all: [boolean, Kind, Able, Verb, string, Offered["Icon"]][] = [
    [restart, "restart_soft", instance, "restart", "Restart (soft)", IconRefresh],
    [restart, "restart_hard", instance, "restart", "Restart (hard)", IconRefresh],
    [isDown, "start", instance, "start", "Start", IconPlayerPlay],
    [stop, "stop", able, "stop", "Stop", IconPlayerStop],
    [true, "backup", instance, "backup", "Back up now", IconDatabaseExport],
  ];
  return all.flatMap(([isThere, act, of, verb, word, Icon]) => {
    const against = reasonAgainst(of, verb);
    return isThere && against?.kind !== "missing" ? [{ act, word, Icon, against: against?.detail ?? null }] : [];
  });
}
