// How the working copy stands. Nothing tells of what a terminal does to it: it is asked anew after everything that may
// have changed it.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { viewWorkingCopy } from "@/api/generated";
import type { Place } from "./files";

/** Output of a terminal that is followed by none for so long may have been of something that is done. */
const QUIET = 700;

export const deskKey = (place: Place) => [place.workspace, "desk", place.instance] as const;

export function useWorkingCopy(place: Place) {
  return useQuery({
    queryKey: [...deskKey(place), "status"],
    queryFn: ({ signal }) => viewWorkingCopy(place.workspace, place.instance, { signal }),
  });
}

/** Asks anew for files and status; `soon` once it has become quiet. */
export function useRefresh({ workspace, instance }: Place): { now: () => void; soon: () => void } {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const now = useCallback(() => {
    clearTimeout(timer.current);
    const key = deskKey({ workspace, instance });
    void client.invalidateQueries({ queryKey: [...key, "status"] });
    void client.invalidateQueries({ queryKey: [...key, "files"] });
  }, [client, workspace, instance]);
  const soon = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(now, QUIET);
  }, [now]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return { now, soon };
}
