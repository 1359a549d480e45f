import { useEffect, useState } from "react";
import type { MailState } from "@/api/generated";

/** So long, in milliseconds, a first attempt is under way; behind that it waits for the mail server. */
export const AT_ONCE = 10_000;

export type Standing = "sending" | "waiting" | "sent" | "bounced" | "dropped";

/** How a mail stands at a moment: one that nothing was heard of for long is waited for, whatever is tried just now. */
export function standingOf({ status, error, since }: MailState, now: number): Standing {
  if (status === "sent") return "sent";
  if (status === "refused") return "bounced";
  if (status === "void") return "dropped";
  const isNew = since !== null && now - Date.parse(since) < AT_ONCE;
  return isNew && !error ? "sending" : "waiting";
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const far = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** The moment since when, as a sentence takes it: the hour today, with the day before. */
export function momentOf(at: string, now: number): string {
  const then = new Date(at);
  return (then.toDateString() === new Date(now).toDateString() ? clock : far).format(then);
}

/** The present, told once more when the first seconds of a mail that waits are over. */
export function useMoment({ status, since }: MailState): number {
  const [now, setNow] = useState(Date.now);
  const end = status === "waiting" && since ? Date.parse(since) + AT_ONCE : 0;
  useEffect(() => {
    // A clock that runs behind the server's isn't waited for.
    const left = Math.min(end - Date.now(), AT_ONCE);
    setNow(Date.now());
    if (left <= 0) return;
    const timer = setTimeout(() => setNow(end), left);
    return () => clearTimeout(timer);
  }, [end]);
  return now;
}
