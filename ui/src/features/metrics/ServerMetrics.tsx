import { Chart } from "./Chart";
import { Metrics, useShown } from "./Metrics";
import { amount, bits, ceiling, type Figures, peak, percent, timesOf } from "./series";
import { useServerMetrics } from "./useMetrics";

/** From this share on a disk is told to be nearly full. */
const MUCH = 90;

const shares = (figures: Figures, whole: number): Figures =>
  figures.map((figure) => (figure === null ? null : (100 * figure) / Math.max(1, whole)));

/** A server's load: four charts of equal scale. */
export function ServerMetrics({ workspace, server }: { workspace: string; server: string }) {
  const shown = useShown();
  const { range, isTable } = shown;
  const found = useServerMetrics(workspace, server, range);
  return (
    <Metrics
      shown={shown}
      found={found}
      series={({ processor, memory, disk, received, sent }) => [processor, memory, disk, received, sent]}
      sentence="Of the whole machine, with what other workspaces run on it."
      empty="The first figures come within ten seconds."
    >
      {(data) => {
        const whole = { range, isTable, times: timesOf(data), top: 100, say: percent };
        // In a round number of bits.
        const most = ceiling(8 * peak(data.sent, data.received), 1000) / 8;
        return (
          <>
            <Chart
              {...whole}
              title="Processor"
              lines={[{ name: "Processor", figures: data.processor }]}
              of={`of ${data.processors} ${data.processors === 1 ? "core" : "cores"}`}
            />
            <Chart
              {...whole}
              title="Memory"
              lines={[{ name: "Memory", figures: shares(data.memory, data.whole_memory) }]}
              of={`of ${amount(data.whole_memory)}`}
            />
            <Chart
              {...whole}
              title="Disk"
              lines={[{ name: "Disk", figures: shares(data.disk, data.whole_disk) }]}
              of={`of ${amount(data.whole_disk)}`}
              threshold={{ at: MUCH, words: `warns at ${MUCH} %` }}
            />
            <Chart
              {...whole}
              title="Network"
              top={most}
              say={bits}
              lines={[
                { name: "Out", figures: data.sent },
                { name: "In", figures: data.received },
              ]}
              of="out"
            />
          </>
        );
      }}
    </Metrics>
  );
}
