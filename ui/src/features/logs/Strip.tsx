import { useEffect, useRef, useState } from "react";
import css from "./logs.module.css";
import { type Spread, spread } from "./strip";
import type { Windows } from "./windows";

const BARS = 120;
const TICKS = 6;
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const exactly = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Told anew a moment after lines came, not with each. */
export function useLater(version: number): number {
  const [told, setTold] = useState(version);
  const newest = useRef(version);
  newest.current = version;
  const isBehind = told !== version;
  // Begun with the first line that isn't told yet, and not again with each that follows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was told last begins the next
  useEffect(() => {
    if (!isBehind) return;
    const timer = setTimeout(() => setTold(newest.current), 300);
    return () => clearTimeout(timer);
  }, [isBehind, told]);
  return told;
}

/** When how much was written, and where the errors are. */
export function Strip({ windows, version }: { windows: Windows; version: number }) {
  const later = useLater(version);
  const [shown, setShown] = useState<Spread | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: lines are added in place, `later` tells when
  useEffect(() => setShown(spread(windows, BARS)), [windows, later]);
  // Its place is kept while there is nothing to divide: the lines below never jump.
  if (!shown) return <div className={css.strip} />;
  const { from, to, most, bars } = shown;
  const count = (of: "errors" | "warnings") => Math.round(bars.reduce((sum, bar) => sum + bar[of], 0));
  const [errors, warnings] = [count("errors"), count("warnings")];
  const format = to - from < 5 * 60_000 ? exactly : time;
  return (
    <div className={css.strip}>
      <div
        className={css.bars}
        role="img"
        aria-label={`Lines from ${format.format(from)} to ${format.format(to)}: ${errors} errors, ${warnings} warnings`}
      >
        {bars.map((bar, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars never move
          <span key={at} style={{ height: `${bar.all ? Math.max(8, (100 * bar.all) / most) : 0}%` }}>
            {bar.errors >= 0.01 && <i className={css.barError} />}
            {bar.errors < 0.01 && bar.warnings >= 0.01 && <i className={css.barWarn} />}
          </span>
        ))}
      </div>
      <div className={`${css.ticks} numbers`} aria-hidden>
        {Array.from({ length: TICKS }, (_, tick) => from + ((to - from) * tick) / (TICKS - 1)).map((moment) => (
          <span key={moment}>{format.format(moment)}</span>
        ))}
      </div>
    </div>
  );
}
