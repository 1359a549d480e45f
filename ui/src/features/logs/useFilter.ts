import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { LEVELS, type Level } from "./lines";

/** What of a log is shown, as the address has it: a reload keeps it, and a link shows the same. */
export type Filter = {
  text: string;
  /** Only lines that hold the text. */
  isOnly: boolean;
  hidden: Level[];
  /** Only lines of this many minutes, or all. */
  minutes: string;
};

const NOTHING: Filter = { text: "", isOnly: false, hidden: [], minutes: "all" };

const word = (value: unknown) => (typeof value === "string" || typeof value === "number" ? String(value) : "");

function read(search: Record<string, unknown>): Filter {
  const shown = word(search.level).split(",");
  return {
    text: word(search.q).slice(0, 1000),
    isOnly: word(search.only) === "1",
    hidden: search.level ? LEVELS.filter((level) => !shown.includes(level)) : [],
    minutes: /^\d{1,6}$/.test(word(search.last)) ? word(search.last) : "all",
  };
}

/** `isKept`: in the address. */
export function useFilter(isKept: boolean): [Filter, (changed: Partial<Filter>) => void] {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const [own, setOwn] = useState(NOTHING);
  const { q, only, level, last } = search;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is read of it counts
  const filter = useMemo(() => (isKept ? read(search) : own), [isKept, own, q, only, level, last]);
  const change = (changed: Partial<Filter>) => {
    const next = { ...filter, ...changed };
    if (!isKept) return setOwn(next);
    const shown = LEVELS.filter((level) => !next.hidden.includes(level));
    void navigate({
      to: ".",
      search: {
        ...(search.of !== undefined && { of: search.of }),
        ...(next.text && { q: next.text }),
        // As numbers: a word that reads as one stands in quotes there.
        ...(next.isOnly && { only: 1 }),
        ...(next.hidden.length > 0 && shown.length > 0 && { level: shown.join(",") }),
        ...(next.minutes !== "all" && { last: Number(next.minutes) }),
      } as never,
      hash: true,
      replace: true,
      resetScroll: false,
      hashScrollIntoView: false,
    });
  };
  return [filter, change];
}
