import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { viewInstanceMetrics, viewServerMetrics } from "@/api/generated/metrics";
import type { Range } from "./series";

/** Seconds after which there is a new figure. */
const STEPS: Record<Range, number> = { hour: 10, day: 120, week: 900 };

/**
 * Asks again when the next figure is due, while somebody looks: when that is, is known, and no event tells of it.
 * `settled` moves with each answer.
 */
function useDue(seconds: number, settled: number, again: () => unknown, isWanted: boolean) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer sets the clock for the next
  useEffect(() => {
    if (!settled || !isWanted) return;
    const step = seconds * 1000;
    const due = () => {
      if (document.hidden) document.addEventListener("visibilitychange", due, { once: true });
      else again();
    };
    const timer = setTimeout(due, step - (Date.now() % step) + 1000);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", due);
    };
  }, [settled, seconds, isWanted]);
}

function useFigures<T>(key: unknown[], range: Range, read: (init: RequestInit) => Promise<T>, isWanted = true) {
  const found = useQuery({
    queryKey: [...key, range],
    queryFn: ({ signal }) => read({ signal }),
    staleTime: STEPS[range] * 1000,
    enabled: isWanted,
  });
  useDue(STEPS[range], found.dataUpdatedAt + found.errorUpdatedAt, found.refetch, isWanted);
  return found;
}

export const useServerMetrics = (workspace: string, server: string, range: Range, isWanted = true) =>
  useFigures(
    [workspace, "metrics", "server", server],
    range,
    (init) => viewServerMetrics(workspace, server, { range }, init),
    isWanted,
  );

export const useInstanceMetrics = (workspace: string, instance: string, range: Range) =>
  useFigures([workspace, "metrics", "instance", instance], range, (init) =>
    viewInstanceMetrics(workspace, instance, { range }, init),
  );
