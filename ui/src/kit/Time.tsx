import { type ReactNode, useEffect, useState } from "react";
import { useIsLost } from "@/api/connection";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

export function relative(at: string, now: number): string {
  const then = Date.parse(at);
  const past = now - then;
  // A clock that is a little ahead, or a page that was told of something since it last looked at its own.
  if (past < 0 && past > -MINUTE) return "now";
  if (past < 0) {
    if (past > -HOUR) return `in ${Math.max(1, Math.round(-past / MINUTE))} min`;
    if (past > -DAY) return `in ${Math.round(-past / HOUR)} h`;
    if (past > -2 * DAY) return "tomorrow";
    if (past > -14 * DAY) return `in ${Math.round(-past / DAY)} days`;
  } else {
    if (past < MINUTE) return "now";
    if (past < HOUR) return `${Math.floor(past / MINUTE)} min ago`;
    if (past < DAY) return `${Math.floor(past / HOUR)} h ago`;
    if (past < 2 * DAY) return "yesterday";
    if (past < 7 * DAY) return `${Math.floor(past / DAY)} days ago`;
  }
  const same = new Date(then).getFullYear() === new Date(now).getFullYear();
  return (same ? day : year).format(then);
}

/** The present, told anew at each full minute while somebody looks. It asks the server nothing. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each telling sets the clock for the next
  useEffect(() => {
    const timer = setTimeout(() => setNow(Date.now()), MINUTE - (Date.now() % MINUTE));
    return () => clearTimeout(timer);
  }, [now]);
  return now;
}

/** A time as people say it; the exact one on hover. `just` is for sentences; `mark` stands before it while it is now. */
export function Time({ at, just, mark }: { at: string; just?: boolean; mark?: ReactNode }) {
  const text = relative(at, useNow());
  const isNow = text === "now";
  // Whether it still is nobody knows, while nothing is heard of the server.
  const isLost = useIsLost();
  return (
    <time dateTime={at} title={exact.format(Date.parse(at))}>
      {isNow && !isLost && mark}
      {isNow && just ? "just now" : text}
    </time>
  );
}

export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
