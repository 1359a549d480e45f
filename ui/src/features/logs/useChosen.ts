import { useLocation, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { Shown } from "./lines";
import { isBefore, placeOf, type Windows } from "./windows";

/** Lines that are copied at once, at most. */
const MOST = 10_000;

/** Where the first and the last of some lines stand. */
export type Ends = readonly [first: string, last: string];

export type Chosen = {
  /**
   * Where the first chosen line stands in the log, as the address says it, if it was chosen elsewhere, by a link: then
   * it has to be looked for. What was clicked in the log is in sight.
   */
  sought: string | null;
  /** As the address says it. */
  ends: Ends | null;
  isSeveral: boolean;
  /** None of them is there. */
  isGone: boolean;
  /** `null`: not known, because one of the ends isn't here. */
  count: number | null;
  /** Why their text can't be had from here, where it can't. */
  whyNot: string | null;
  /** All of them, where nothing stands against it. */
  lines: () => Shown[];
  has: (line: Shown) => boolean;
  isAmong: (position: string) => boolean;
  choose: (line: Shown, upTo: boolean) => void;
  none: () => void;
};

const TOO_MUCH = `More than ${MOST.toLocaleString("en")} lines are too much to be copied from here. Download them.`;
const NOT_HERE = "Not all of these lines are here. Download them, or look at all of them first.";

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
  const areEndsHere = typeof from === "number" && typeof to === "number" && to >= from;
  const count = areEndsHere ? to - from + 1 : null;
  const isTooMuch = count !== null && count > MOST;
  const isHere = areEndsHere && !isTooMuch && windows.has(from, to);
  const isAmong = (position: string) => {
    const place = placeOf(position);
    return ends !== null && !isBefore(place, placeOf(first)) && !isBefore(placeOf(last), place);
  };
  return {
    sought: hash === own.current ? null : first || null,
    ends,
    isSeveral: first !== last,
    isGone: ends !== null && windows.holds(first, last) === false,
    count: ends ? count : 0,
    whyNot: isTooMuch ? TOO_MUCH : isHere ? null : NOT_HERE,
    lines: () => (isHere ? windows.between(from, to) : []),
    has: ({ position }) => isAmong(position),
    isAmong,
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
