import { useLocation, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { Shown } from "./lines";

export type Chosen = {
  /**
   * Where the first chosen line stands in the log, as the address says it, if it was chosen elsewhere, by a link: then
   * it has to be looked for. What was clicked in the log is in sight.
   */
  sought: string | null;
  lines: Shown[];
  has: (number: number) => boolean;
  choose: (line: Shown, upTo: boolean) => void;
  none: () => void;
};

/** `#<position>`, or `#<position>,<position>` for several: links to lines show the same to everybody. */
export function useChosen(lines: Shown[]): Chosen {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const [anchor, setAnchor] = useState<string | null>(null);
  const [first = "", last = first] = hash.split(",");
  const from = first ? lines.findIndex(({ position }) => position === first) : -1;
  const to = last === first ? from : lines.findIndex(({ position }) => position === last);
  const chosen = from < 0 ? [] : lines.slice(from, Math.max(from, to) + 1);
  const [lowest, highest] = [chosen[0]?.number ?? 0, chosen.at(-1)?.number ?? -1];
  const own = useRef("");
  const go = (hash: string) => {
    own.current = hash;
    void navigate({ to: ".", hash, replace: true, resetScroll: false, hashScrollIntoView: false });
  };
  return {
    sought: hash === own.current ? null : first || null,
    lines: chosen,
    has: (number) => number >= lowest && number <= highest,
    choose: (line, upTo) => {
      const other = upTo ? lines.find(({ position }) => position === (anchor ?? first)) : undefined;
      if (other && other !== line) {
        const [low, high] = other.number < line.number ? [other, line] : [line, other];
        return go(`${low.position},${high.position}`);
      }
      setAnchor(line.position);
      go(hash === line.position ? "" : line.position);
    },
    none: () => go(""),
  };
}
