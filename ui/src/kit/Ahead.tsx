import { useEffect, useState } from "react";
import { Time } from "./Time";

const MINUTE = 60_000;
/** The longest that a timer of a browser waits. */
const LONGEST = 2 ** 31 - 1;
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

/**
 * A time of what is to come, as people say it: `Time` says "now" as soon as less than a minute is left, and then it hasn't
 * come yet. Not part of the kit's index, which is loaded with the first page.
 */
export function Ahead({ at }: { at: string }) {
  const then = Date.parse(at);
  const [now, setNow] = useState(Date.now);
  const isNear = then > now && then - now < MINUTE;
  // It is told anew when the last minute begins, and when it has ended.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each telling sets the clock for the next
  useEffect(() => {
    const left = then - Date.now();
    if (left <= 0) return;
    const wait = left < MINUTE ? left : Math.min(left - MINUTE + 1, LONGEST);
    const timer = setTimeout(() => setNow(Date.now()), wait);
    return () => clearTimeout(timer);
  }, [then, now]);
  if (!isNear) return <Time at={at} />;
  return (
    <time dateTime={at} title={exact.format(then)}>
      in less than a minute
    </time>
  );
}
