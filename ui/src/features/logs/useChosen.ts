import { useLocation, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { Shown } from "./lines";
import { isBefore, placeOf, type Windows } from "./windows";

/** Lines that are copied or explained at once, at most. */
const MOST = 10_000;

export type Chosen = {
  /**
   * Where the first chosen line stands in the log, as the address says it, if it was chosen elsewhere, by a link: then
   * it has to be looked for. What was clicked in the log is in sight.
   */
  sought: string | null;
  /** Where the first and the last of them stand, as the address says it. */
  ends: [first: string, last: string] | null;
  count: number;
  /** Those that are here. */
  lines: () => Shown[];
  has: (line: Shown) => boolean;
  choose: (line: Shown, upTo: boolean) => void;
  none: () => void;
};

/** `#<position>`, or `#<position>,<position>` for several: links to lines show the same to everybody. */
export function useChosen(windows: Windows): Chosen {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const [anchor, setAnchor] = useState<string | null>(null);
  const isOne = /^\d{1,16}-\d{1,16}(,\d{1,16}-\d{1,16})?$/.test(hash);
  const [first = "", last = first] = isOne ? hash.split(",") : [];
  const ends: Chosen["ends"] = first ? [first, last] : null;
  const [from, to] = [first && windows.indexOf(first), last && windows.indexOf(last)];
  const own = useRef("");
  const go = (hash: string) => {
    own.current = hash;
    void navigate({
      to: ".",
      search: true as never,
      hash,
      replace: true,
      resetScroll: false,
      hashScrollIntoView: false,
    });
  };
  const isHere = typeof from === "number" && typeof to === "number" && to >= from;
  return {
    sought: hash === own.current ? null : first || null,
    ends,
    count: !ends ? 0 : isHere ? to - from + 1 : 1,
    lines: () => (isHere ? windows.between(from, Math.min(to, from + MOST - 1)) : []),
    has: ({ position }) => {
      const place = placeOf(position);
      return ends !== null && !isBefore(place, placeOf(first)) && !isBefore(placeOf(last), place);
    },
    choose: (line, upTo) => {
      const other = anchor ?? first;
      if (upTo && other && other !== line.position) {
        const isDown = isBefore(placeOf(other), placeOf(line.position));
        return go(isDown ? `${other},${line.position}` : `${line.position},${other}`);
      }
      setAnchor(line.position);
      go(hash === line.position ? "" : line.position);
    },
    none: () => go(""),
  };
}
