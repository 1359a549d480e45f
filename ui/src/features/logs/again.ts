// What is asked until it is answered: what broke off is taken up again, later and later.

import { type Problem, problemOf } from "@/api/problem";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/** What ends a log for good: asking again would be answered alike. */
export function isOver(problem: Problem): boolean {
  return [400, 401, 403, 404, 422].includes(problem.status);
}

/** How long is waited before each attempt. */
export class Pause {
  private next = FIRST_PAUSE;

  begin(): void {
    this.next = FIRST_PAUSE;
  }

  /** Milliseconds, more each time; never less than what the server asks for. */
  take(problem: Problem): number {
    const pause = Math.max(this.next, (problem.retryAfter ?? 0) * 1000);
    this.next = Math.min(this.next * 2, LONGEST_PAUSE);
    return pause;
  }
}

const rest = (pause: number, signal: AbortSignal) =>
  new Promise<void>((go) => {
    const timer = setTimeout(go, pause);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      go();
    });
  });

/**
 * Does it until it is done, refused for good, or not wanted any more. `tell` is told of each failure, and of the end
 * with null.
 */
export async function untilDone(
  work: () => Promise<void>,
  signal: AbortSignal,
  tell: (problem: Problem | null) => void,
): Promise<void> {
  const pause = new Pause();
  while (!signal.aborted) {
    try {
      await work();
      if (!signal.aborted) tell(null);
      return;
    } catch (failure) {
      if (signal.aborted) return;
      const problem = problemOf(failure);
      tell(problem);
      if (isOver(problem)) return;
      await rest(pause.take(problem), signal);
    }
  }
}
