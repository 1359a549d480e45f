import css from "./metrics.module.css";
import { area, dots, peak, percent, strokes } from "./series";
import { useServerMetrics } from "./useMetrics";

const WIDTH = 108;
const HEIGHT = 28;

/** How busy a server's processors were in the last day: a line beside a figure that says how busy they are. */
export function LoadLine({ workspace, server }: { workspace: string; server: string }) {
  const { data, error } = useServerMetrics(workspace, server, "day");
  const figures = data?.processor ?? [];
  const x = (at: number) => (WIDTH * at) / Math.max(1, figures.length - 1);
  const y = (figure: number) => HEIGHT - 1 - ((HEIGHT - 3) * Math.min(100, figure)) / 100;
  const isKnown = figures.some((figure) => figure !== null);
  const label = isKnown
    ? `Over the last day at most ${percent(peak(figures))}`
    : error
      ? "How busy it was isn't known"
      : "Over the last day nothing was measured";
  return (
    <svg className={css.loadLine} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <path className={css.ground} d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path className={css.below} d={area(figures, x, y)} />
      <path className={css.first} d={strokes(figures, x, y)} />
      <path className={css.alone} d={dots(figures, x, y)} />
    </svg>
  );
}
