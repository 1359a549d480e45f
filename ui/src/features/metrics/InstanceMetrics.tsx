import { Chart } from "./Chart";
import { Metrics, useShown } from "./Metrics";
import { amount, ceiling, ceilingOfBytes, type Figures, peak, percent, plain, timesOf } from "./series";
import { useInstanceMetrics } from "./useMetrics";

/** As high as it goes, and no higher than it may. */
const topOfBytes = (figures: Figures, most: number | undefined) => {
  const top = ceilingOfBytes(peak(figures) * 1.1, 4 << 20);
  return most === undefined ? top : Math.min(top, most);
};

/** What an instance used, and how much was asked of it. */
export function InstanceMetrics({ workspace, instance }: { workspace: string; instance: string }) {
  const shown = useShown();
  const { range, isTable } = shown;
  const found = useInstanceMetrics(workspace, instance, range);
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
        const perMinute = (figure: number) => `${plain(figure)}`;
        return (
          <>
            <Chart
              {...whole}
              title="Processor"
              say={percent}
              top={limit === null ? ceiling(peak(data.processor), 100) : Math.max(limit, peak(data.processor))}
              lines={[{ name: "Processor", figures: data.processor }]}
              of={limit === null ? "of one core" : `of the ${percent(limit)} it may use`}
            />
            <Chart
              {...whole}
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
              {...whole}
              title="Requests"
              say={perMinute}
              top={ceiling(peak(data.requests), 4)}
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
