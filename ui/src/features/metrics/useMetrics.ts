import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { viewInstanceMetrics, viewServerMetrics } from "@/api/generated/metrics";
import type { Range } from "./series";

/** Seconds after which there is a new figure. */
const STEPS: Record<Range, number> = { hour: 10, day: 120, week: 900 };

/**
 * Asks again when the next figure is due, while somebody looks: when that is, is known, and no event tells of it.
 * `settled` moves with each answer.
 */
export function useDue(range: Range, settled: number, again: () => unknown) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer sets the clock for the next
  useEffect(() => {
    if (!settled) return;
    const step = STEPS[range] * 1000;
    const due = () => {
      if (document.hidden) document.addEventListener("visibilitychange", due, { once: true });
      else again();
    };
    const timer = setTimeout(due, step - (Date.now() % step) + 1000);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", due);
    };
  }, [settled, range]);
}

const figures = <T>(key: string[], range: Range, read: (init: RequestInit) => Promise<T>) =>
  queryOptions({
    queryKey: [...key, range],
    queryFn: ({ signal }) => read({ signal }),
    staleTime: STEPS[range] * 1000,
  });

const serverMetrics = (workspace: string, server: string, range: Range) =>
  figures([workspace, "metrics", "server", server], range, (init) =>
    viewServerMetrics(workspace, server, { range }, init),
  );

export const instanceMetrics = (workspace: string, instance: string, range: Range) =>
  figures([workspace, "metrics", "instance", instance], range, (init) =>
    viewInstanceMetrics(workspace, instance, { range }, init),
  );

export function useServerMetrics(workspace: string, server: string, range: Range) {
  const found = useQuery(serverMetrics(workspace, server, range));
  useDue(range, found.dataUpdatedAt + found.errorUpdatedAt, found.refetch);
  return found;
}

export function useInstanceMetrics(workspace: string, instance: string, range: Range) {
  const found = useQuery(instanceMetrics(workspace, instance, range));
  useDue(range, found.dataUpdatedAt + found.errorUpdatedAt, found.refetch);
  return found;
}
