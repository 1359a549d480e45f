// A write, once: the library's own hook, but what is on its way already isn't begun a second time. A button says that it
// is busy only with the next drawing, and the second half of a double click comes before that.

import { hashKey, type UseMutationOptions, type UseMutationResult, useMutation as useAny } from "@tanstack/react-query";
import { useCallback, useRef } from "react";

/** As the library's. What is asked for again with the same input, while it runs, gets the answer of the one that runs. */
export function useMutation<T = unknown, E = Error, V = void>(
  options: UseMutationOptions<T, E, V>,
): UseMutationResult<T, E, V> {
  const found = useAny(options);
  const begin = found.mutateAsync;
  const running = useRef(new Map<string, Promise<T>>());
  const mutateAsync = useCallback<typeof begin>(
    (...given) => {
      const key = hashKey([given[0]]);
      const before = running.current.get(key);
      if (before) return before;
      const now = begin(...given).finally(() => running.current.delete(key));
      running.current.set(key, now);
      return now;
    },
    [begin],
  );
  const mutate = useCallback<typeof found.mutate>(
    // What went wrong stands in the state.
    (...given) => void mutateAsync(...given).catch(() => {}),
    [mutateAsync],
  );
  return { ...found, mutate, mutateAsync };
}
