import type { Instance } from "@/api/nouns";
import { Chart } from "./Chart";
import { Metrics, useShown } from "./Metrics";
import {
  amount,
  ceiling,
  ceilingOfBytes,
  ceilingOfCounts,
  type Figures,
  peak,
  percent,
  plain,
  timesOf,
  usualRange,
} from "./series";
import { useInstanceMetrics } from "./useMetrics";

/** As high as it goes, and no higher than it may. */
const topOfBytes = (figures: Figures, most: number | undefined) => {
  const top = ceilingOfBytes(peak(figures) * 1.1, 4 << 20);
  return most === undefined ? top : Math.min(top, most);
};

/** What an instance used, and how much was asked of it. */
export function InstanceMetrics({ workspace, instance }: { workspace: string; instance: Instance }) {
  const shown = useShown(usualRange(Date.parse(instance.created_at), Date.now()));
  const { range, isTable } = shown;
  const found = useInstanceMetrics(workspace, instance.id, range);
  // What was measured last, while it ran, isn't what it uses now.
  const isStopped = instance.status === "stopped";
  return (
    <Metrics
      shown={shown}
      found={found}
      // Before anything runs nobody asks anything: that alone is nothing to look at.
      series={({ processor, memory, disk }) => [processor, memory, disk]}
      empty="Figures come from its first deployment on, within ten seconds."
    >
      {(data) => {
        const { most } = data;
        const limit = most?.processor ?? null;
        const whole = { range, isTable, times: timesOf(data) };
        const ofRunning = { ...whole, ...(isStopped && { instead: "Stopped" }) };
        const perMinute = (figure: number) => `${plain(figure)}`;
        return (
          <>
            <Chart
              {...ofRunning}
              title="Processor"
              say={percent}
              top={limit === null ? ceiling(peak(data.processor), 100) : Math.max(limit, peak(data.processor))}
              lines={[{ name: "Processor", figures: data.processor }]}
              of={limit === null ? "of one core" : `of the ${percent(limit)} it may use`}
            />
            <Chart
              {...ofRunning}
              title="Memory"
              say={amount}
              top={topOfBytes(data.memory, most?.memory)}
              lines={[{ name: "Memory", figures: data.memory }]}
              {...(most && { of: `of ${amount(most.memory)}` })}
            />
            <Chart
              {...whole}
              title="Disk"
              say={amount}
              top={topOfBytes(data.disk, most?.disk)}
              lines={[{ name: "Disk", figures: data.disk }]}
              {...(most && { of: `of ${amount(most.disk)}` })}
            />
            <Chart
              {...ofRunning}
              title="Requests"
              say={perMinute}
              top={ceilingOfCounts(peak(data.requests))}
              lines={[
                { name: "All", figures: data.requests },
                { name: "Errors", figures: data.errors },
              ]}
              of="in a minute"
            />
          </>
        );
      }}
    </Metrics>
  );
}
