import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import css from "./metrics.module.css";
import {
  area,
  dots,
  type Line,
  newest,
  type Range,
  rows,
  rowTimeOf,
  strokes,
  type Times,
  ticks,
  timeOf,
} from "./series";

export type ChartProps = {
  title: string;
  range: Range;
  times: Times;
  /** One, or two: the second has dashes. */
  lines: [Line] | [Line, Line];
  /** Where the scale ends. */
  top: number;
  /** A figure in words. */
  say: (figure: number) => string;
  /** What the newest figure is of: "of 64 GiB". */
  of?: string;
  /** Said in its place, where nothing is used now. */
  instead?: string;
  /** A line of its own, with its words. */
  threshold?: { at: number; words: string } | undefined;
  isTable: boolean;
};

const HEIGHT = 172;
/** At the left for `750 kbit/s`. */
const ROOM = { left: 72, right: 10, top: 8, bottom: 26 };
const QUARTERS = [1, 0.75, 0.5, 0.25, 0];
const UNKNOWN = "Not measured";

/** One chart, or the same as a table. It is read point by point by pointer and by arrows. */
export function Chart(props: ChartProps) {
  const { title, lines, say, of, instead, threshold, isTable } = props;
  const now = instead ? null : newest(lines[0].figures);
  return (
    <section className={css.card} aria-label={title}>
      <div className={css.head}>
        <h3>{title}</h3>
        <ul className={css.legend} aria-label={`Lines of ${title}`} hidden={lines.length < 2 && !threshold}>
          {lines.length > 1 &&
            lines.map(({ name }, index) => (
              <li key={name}>
                <Swatch kind={index === 0 ? css.first : css.second} />
                {name}
              </li>
            ))}
          {threshold && (
            <li>
              <Swatch kind={css.threshold} />
              {threshold.words}
            </li>
          )}
        </ul>
        <div className={`${css.now} numbers`}>
          {now === null ? <span>{instead ?? UNKNOWN}</span> : <strong>{say(now)}</strong>}{" "}
          {now !== null && of && <span>{of}</span>}
        </div>
      </div>
      {isTable ? <Sums {...props} /> : <Drawing {...props} />}
    </section>
  );
}

function Swatch({ kind }: { kind: string | undefined }) {
  return (
    <svg width="16" height="8" aria-hidden>
      <path className={kind} d="M0 4H16" />
    </svg>
  );
}

/** A figure, or that there is none. */
const told = (say: ChartProps["say"], figure: number | null | undefined) => (figure == null ? UNKNOWN : say(figure));

function Drawing({ title, range, times, lines, top, say, threshold }: ChartProps) {
  const { ref, width } = useElementSize();
  const [chosen, setChosen] = useState<number | null>(null);
  const last = times.count - 1;
  const plot = { width: Math.max(1, width - ROOM.left - ROOM.right), height: HEIGHT - ROOM.top - ROOM.bottom };
  const x = (at: number) => ROOM.left + (plot.width * at) / Math.max(1, last);
  const y = (figure: number) => ROOM.top + plot.height * (1 - Math.min(1, figure / top));
  const at = chosen === null ? null : Math.min(chosen, last);
  const words = (at: number) => {
    const each = lines.map(({ name, figures }) => {
      const figure = told(say, figures[at]);
      return lines.length > 1 ? `${name} ${figure}` : figure;
    });
    return `${timeOf(times.from + at * times.step, range)}, ${each.join(", ")}`;
  };
  const follow = (event: PointerEvent<HTMLElement>) => {
    const from = event.currentTarget.getBoundingClientRect().left + ROOM.left;
    setChosen(Math.min(last, Math.max(0, Math.round(((event.clientX - from) / plot.width) * last))));
  };
  const steer = (event: KeyboardEvent) => {
    const from = at ?? last;
    const far = Math.round(last / 24);
    const to: Record<string, number | null> = {
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageDown: from - far,
      PageUp: from + far,
      Home: 0,
      End: last,
      Escape: null,
    };
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setChosen(next === null ? null : Math.min(last, Math.max(0, next)));
  };
  return (
    <div
      ref={ref}
      className={css.drawing}
      style={{ height: HEIGHT }}
      role="slider"
      tabIndex={0}
      aria-label={`${title}, point by point`}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={at ?? last}
      aria-valuetext={words(at ?? last)}
      onPointerMove={follow}
      onPointerDown={follow}
      onPointerLeave={() => setChosen(null)}
      onFocus={(event) => event.currentTarget.matches(":focus-visible") && setChosen(last)}
      onBlur={() => setChosen(null)}
      onKeyDown={steer}
    >
      {width > 0 && (
        <svg width={width} height={HEIGHT} aria-hidden>
          {QUARTERS.map((quarter) => (
            <g key={quarter}>
              <path className={css.grid} d={`M${ROOM.left} ${y(top * quarter)}H${width - ROOM.right}`} />
              <text className={css.mark} x={ROOM.left - 12} y={y(top * quarter) + 4} textAnchor="end">
                {say(top * quarter)}
              </text>
            </g>
          ))}
          {ticks(times, range, width < 440).map((tick) => (
            <text
              key={tick.at}
              className={css.mark}
              x={Math.min(x(tick.at), width - 16)}
              y={HEIGHT - 6}
              textAnchor="middle"
            >
              {tick.word}
            </text>
          ))}
          {lines.map(({ name, figures }, index) => (
            <path key={name} className={index === 0 ? css.below : css.belowSecond} d={area(figures, x, y)} />
          ))}
          {threshold && threshold.at <= top && (
            <path className={css.threshold} d={`M${ROOM.left} ${y(threshold.at)}H${width - ROOM.right}`} />
          )}
          {lines.map(({ name, figures }, index) => (
            <g key={name}>
              <path className={index === 0 ? css.first : css.second} d={strokes(figures, x, y)} />
              <path className={index === 0 ? css.alone : css.aloneSecond} d={dots(figures, x, y)} />
            </g>
          ))}
          {at !== null && <path className={css.cursor} d={`M${x(at)} ${ROOM.top}V${HEIGHT - ROOM.bottom}`} />}
          {at !== null &&
            lines.map(({ name, figures }, index) => {
              const figure = figures[at];
              return figure == null ? null : (
                <circle
                  key={name}
                  className={index === 0 ? css.dot : css.dotSecond}
                  cx={x(at)}
                  cy={y(figure)}
                  r="3.5"
                />
              );
            })}
        </svg>
      )}
      {at !== null && width > 0 && (
        <div
          className={`${css.told} numbers`}
          data-side={x(at) > width / 2 ? "left" : "right"}
          style={x(at) > width / 2 ? { right: width - x(at) + 10 } : { left: x(at) + 10 }}
        >
          <span>{timeOf(times.from + at * times.step, range)}</span>
          {lines.map(({ name, figures }) => (
            <span key={name}>
              {lines.length > 1 && `${name} `}
              <strong>{told(say, figures[at])}</strong>
            </span>
          ))}
        </div>
      )}
    </div>
  );
}

const STRETCHES: Record<Range, string> = { hour: "5 minutes", day: "one hour", week: "6 hours" };

function Sums({ title, range, times, lines, say }: ChartProps) {
  const isOne = lines.length === 1;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it is wider than there is room, it is scrolled by keyboard
    <section className={css.sums} tabIndex={0} aria-label={`${title}, as a table`}>
      <table>
        <caption className="visually-hidden">
          {title}, in rows of {STRETCHES[range]}, the newest first
        </caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {lines.map(({ name }) => [
              <th key={name} scope="col">
                {isOne ? "Mean" : name}
              </th>,
              <th key={`${name}-most`} scope="col">
                {isOne ? "Highest" : `${name}, highest`}
              </th>,
            ])}
          </tr>
        </thead>
        <tbody>
          {rows(lines, times, range).map(({ at, sums }) => (
            <tr key={at}>
              <th scope="row">{rowTimeOf(at, range)}</th>
              {sums.map(({ mean, most }, index) => [
                <td key={lines[index]?.name}>{mean === null ? <Nothing /> : say(mean)}</td>,
                <td key={`${lines[index]?.name}-most`}>{most === null ? <Nothing /> : say(most)}</td>,
              ])}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Nothing() {
  return (
    <>
      <span aria-hidden>–</span>
      <span className="visually-hidden">{UNKNOWN}</span>
    </>
  );
}
