import { Button, SegmentedControl, Skeleton } from "@mantine/core";
import { IconChartLine, IconTable } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { problemOf } from "@/api/problem";
import { Empty, Failed, Note, Panel, Section, useFilters } from "@/kit";
import css from "./metrics.module.css";
import { type Figures, isRange, RANGES, type Range } from "./series";

const WORDS: Record<Range, string> = { hour: "Hour", day: "Day", week: "Week" };
const EACH: Record<Range, string> = { hour: "10 s", day: "2 min", week: "15 min" };

/** Which range, and whether as tables: as the address has it, and else the one that it opens with. */
export function useShown(usual: Range = "day") {
  const { filters, change } = useFilters(["range", "as"]);
  // What it opened with stays: it doesn't change by itself under somebody's eyes.
  const [first] = useState(usual);
  const range: Range = isRange(filters.range) ? filters.range : first;
  return {
    range,
    isTable: filters.as === "table",
    choose: (next: string) => change({ range: next === first ? "" : next }),
    turn: () => change({ as: filters.as === "table" ? "" : "table" }),
  };
}

type Found<T> = { data: T | undefined; error: Error | null; refetch: () => unknown };

/** The frame of four charts: the range, what they are of, and each state that they can be in. */
export function Metrics<T extends { [series: string]: unknown }>(props: {
  shown: ReturnType<typeof useShown>;
  found: Found<T>;
  /** All figures there are: where none is known yet, that is said. */
  series: (data: T) => Figures[];
  sentence?: string;
  empty: string;
  children: (data: T) => ReactNode;
}) {
  const { shown, found, sentence, series, empty, children } = props;
  const { range, isTable, choose, turn } = shown;
  const { data, error } = found;
  const isKnown = data !== undefined && series(data).some((figures) => figures.some((figure) => figure !== null));
  return (
    <Section title="Load">
      <div className={css.tools}>
        <SegmentedControl
          aria-label="How far back"
          value={range}
          onChange={choose}
          data={RANGES.map((value) => ({ value, label: WORDS[value] }))}
        />
        <Button
          leftSection={isTable ? <IconChartLine size={16} stroke={1.75} /> : <IconTable size={16} stroke={1.75} />}
          onClick={turn}
        >
          {isTable ? "As charts" : "As tables"}
        </Button>
        <p>
          A figure each {EACH[range]}, in your time.{sentence && ` ${sentence}`}
        </p>
      </div>
      {error && data !== undefined && (
        <div className={css.away}>
          <Note tone="warn">{problemOf(error).detail}</Note>
        </div>
      )}
      {data === undefined ? (
        error ? (
          <Panel>
            <Failed error={error} retry={() => void found.refetch()} inline />
          </Panel>
        ) : (
          <div className={css.charts} role="status" aria-label="Loading">
            {["1", "2", "3", "4"].map((key) => (
              <div key={key} className={css.card}>
                <Skeleton height={14} width={120} animate={false} />
                <Skeleton height={172} mt={16} animate={false} />
              </div>
            ))}
          </div>
        )
      ) : isKnown ? (
        <div className={css.charts}>{children(data)}</div>
      ) : (
        <Panel>
          <Empty icon={IconChartLine} title="Nothing was measured yet" inline>
            {empty}
          </Empty>
        </Panel>
      )}
    </Section>
  );
}
