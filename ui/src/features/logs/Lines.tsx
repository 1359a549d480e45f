// The lines of a log, of which only the visible ones are in the page.

import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Heights, ROW } from "./heights";
import { pieces, type Shown } from "./lines";
import css from "./logs.module.css";
import type { Chosen } from "./useChosen";

/** Lines above and below the visible ones that are there too, so that scrolling shows no gaps. */
const MARGIN = 20;
/** A letter of the font of code at 12 px, which a test of the page measures. */
const LETTER = 7.2;

type Props = {
  lines: Shown[];
  /** Lines are added in place: this tells that some were. */
  version: number;
  mark: string;
  /** The place of the line that finding stands at. */
  current: number | null;
  empty: string;
  /** As high as its lines, up to the bound: for logs that are complete. */
  isFitting: boolean;
  isWrapped: boolean;
  isPlain: boolean;
  /** Errors stand on a ground of their own: for a log that says why something failed. */
  tellsWhy: boolean;
  /** Where the lines stand that an explanation rests on. */
  evidence: ReadonlySet<string> | undefined;
  chosen: Chosen;
  isAtEnd: boolean;
  onAtEnd: (isAtEnd: boolean) => void;
};

export function Lines(props: Props) {
  const { lines, version, isWrapped, isAtEnd, onAtEnd, chosen, current } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [size, setSize] = useState({ height: 600, width: 1000 });
  const heights = useRef(new Heights());
  const sought = useRef(chosen.sought);
  const isFirst = useRef(true);
  const known = useRef(chosen.sought);
  // A link from beside the log leads to another line: it's looked for too.
  if (known.current !== chosen.sought) {
    known.current = chosen.sought;
    sought.current = chosen.sought;
  }
  const beside = props.isPlain ? 92 : 300;
  const columns = isWrapped ? Math.max(20, Math.floor((size.width - beside) / LETTER)) : 0;
  const stands = heights.current.of(lines, columns);
  const whole = stands.top(lines.length);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line moves the end
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const found = sought.current ? lines.findIndex(({ position }) => position === sought.current) : -1;
    if (found >= 0) {
      // A link to a line: there, and not to the end.
      sought.current = null;
      const at = stands.top(found);
      const isSeen = at >= element.scrollTop && at <= element.scrollTop + element.clientHeight - 2 * ROW;
      if (isFirst.current || !isSeen) {
        onAtEnd(false);
        element.scrollTop = Math.max(0, at - element.clientHeight / 2);
      }
      isFirst.current = false;
    } else if (isAtEnd) element.scrollTop = element.scrollHeight;
  }, [version, lines.length, isAtEnd, columns, chosen.sought]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: it goes there when finding does, not when lines come
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || current === null) return;
    const at = stands.top(current);
    if (at >= element.scrollTop && at < element.scrollTop + element.clientHeight - 2 * ROW) return;
    onAtEnd(false);
    element.scrollTop = Math.max(0, at - element.clientHeight / 2);
  }, [current, lines[current ?? -1]?.position]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ height: element.clientHeight, width: element.clientWidth }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    setTop(element.scrollTop);
    onAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 2);
  };
  const first = Math.max(0, stands.at(top) - MARGIN);
  const last = Math.min(lines.length, stands.at(top + size.height) + 1 + MARGIN);
  const digits = String(lines.at(-1)?.number ?? 0).length;

  return (
    <div
      className={`${css.lines} ${props.isFitting ? css.fitting : ""} ${isWrapped ? css.wrapped : ""} ${props.isPlain ? css.plain : ""} ${props.tellsWhy ? css.tellsWhy : ""}`}
      ref={box}
      onScroll={scrolled}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
      role="log"
      aria-label="Log"
      aria-live="off"
    >
      {lines.length === 0 ? (
        <div className={css.empty}>{props.empty}</div>
      ) : (
        <div className={css.inside} style={{ height: whole }}>
          <div className={css.rows} style={{ top: stands.top(first) }}>
            {lines.slice(first, last).map((line, index) => (
              <Line
                key={line.position}
                line={line}
                digits={digits}
                mark={props.mark}
                isCurrent={first + index === current}
                isChosen={chosen.has(line.number)}
                isEvidence={props.evidence?.has(line.position) ?? false}
                onChoose={chosen.choose}
              />
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

function Line(props: {
  line: Shown;
  digits: number;
  mark: string;
  isCurrent: boolean;
  isChosen: boolean;
  isEvidence: boolean;
  onChoose: Chosen["choose"];
}) {
  const { line } = props;
  const ofStoa = line.stream === "stoa" && line.level === "info";
  return (
    <div
      className={`${css.line} ${props.isChosen ? css.chosen : ""} ${props.isEvidence ? css.evidence : ""}`}
      data-level={line.level}
    >
      <button
        type="button"
        tabIndex={-1}
        className={css.at}
        title={`${line.at}: choose this line, with Shift up to this line`}
        onClick={(event) => props.onChoose(line, event.shiftKey)}
      >
        <span className={css.number} style={{ minWidth: `${props.digits}ch` }}>
          {line.number}
        </span>
        <span>
          {line.at.slice(11, 19)}
          <span className={css.millis}>{line.at.slice(19, 23)}</span>
        </span>
      </button>
      <span className={`${css.level} ${css[line.level]}`}>{line.level}</span>
      <span className={css.stream} title={line.stream}>
        {line.stream}
      </span>
      <span className={`${css.text} ${ofStoa ? css.stoa : css[`${line.level}Text`]}`}>
        {(line.level === "error" || line.level === "warn") && (
          <span className={`${css.inlineLevel} ${css[line.level]}`} aria-hidden>
            {line.level.toUpperCase()}{" "}
          </span>
        )}
        {pieces(line.text).map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line never move
          <span key={index} className={`${piece.colour ? css[piece.colour] : ""} ${piece.isBold ? css.bold : ""}`}>
            {marked(piece.text, props.mark, props.isCurrent)}
          </span>
        ))}
      </span>
    </div>
  );
}

/** The text with what was searched for marked. */
function marked(text: string, mark: string, isCurrent: boolean): ReactNode {
  if (!mark) return text;
  const parts: ReactNode[] = [];
  const [lower, sought] = [text.toLowerCase(), mark.toLowerCase()];
  let from = 0;
  for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, from)) {
    parts.push(
      text.slice(from, at),
      <mark key={at} data-current={isCurrent || undefined}>
        {text.slice(at, at + mark.length)}
      </mark>,
    );
    from = at + mark.length;
  }
  parts.push(text.slice(from));
  return parts;
}
