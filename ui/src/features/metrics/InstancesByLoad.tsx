import { Progress } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import type { Instance } from "@/api/nouns";
import { stateOf } from "@/frame/jobs";
import { Go, StageTag, StatusBadge, Table } from "@/kit";
import css from "./metrics.module.css";
import { amount, newest, percent } from "./series";
import { instanceMetrics, useDue } from "./useMetrics";

/** So many are asked for what they use; those behind them are told without. */
const MOST = 50;

type Props = {
  workspace: string;
  instances: Instance[];
  /** Of the server: what a share is of. */
  processors: number;
};

/** Instances of a server, what uses most of its processors first. */
export function InstancesByLoad({ workspace, instances, processors }: Props) {
  const asked = instances.slice(0, MOST);
  const found = useQueries({
    queries: asked.map(({ id }) => instanceMetrics(workspace, id, "day")),
    combine: (all) => ({
      figures: new Map(
        all.flatMap(({ data }, index) => {
          const id = asked[index]?.id;
          return data && id ? [[id, { processor: newest(data.processor), memory: newest(data.memory) }]] : [];
        }),
      ),
      settled: Math.max(0, ...all.map((one) => one.dataUpdatedAt + one.errorUpdatedAt)),
      again: () => {
        for (const one of all) void one.refetch();
      },
    }),
  });
  useDue("day", found.settled, found.again);
  const share = (id: string) => {
    const used = found.figures.get(id)?.processor;
    return used == null ? null : used / Math.max(1, processors);
  };
  const sorted = instances.toSorted((one, other) => (share(other.id) ?? -1) - (share(one.id) ?? -1));
  return (
    <Table label="Instances" head={["Instance", "Status", "Stage", "Processor", "Memory"]}>
      {sorted.map((instance) => {
        const { id, slug, name, stage } = instance;
        const [used, memory] = [share(id), found.figures.get(id)?.memory];
        return (
          <tr key={id}>
            <td>
              <Go to={`/${workspace}/instances/${slug}`} style={{ fontWeight: 600 }}>
                {name}
              </Go>
            </td>
            <td data-label="Status">
              <span>
                <StatusBadge {...stateOf(instance)} />
              </span>
            </td>
            <td data-label="Stage">
              <span>
                <StageTag stage={stage} />
              </span>
            </td>
            <td data-label="Processor">
              {used === null ? (
                <span className={css.quiet}>Not measured</span>
              ) : (
                <div className={css.byLoad}>
                  <Progress value={used} size={5} aria-label={`Processor of ${name}`} />
                  <span className={`${css.share} numbers`}>{percent(used)}</span>
                </div>
              )}
            </td>
            <td data-label="Memory" className="numbers">
              {memory == null ? <span className={css.quiet}>Not measured</span> : amount(memory)}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}
