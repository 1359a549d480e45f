// The lines of a log, of which only the visible ones are in the page.

import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { BROAD, columnsOf, Layout, ROW, Scroll, SLIM } from "./layout";
import { pieces, type Shown } from "./lines";
import css from "./logs.module.css";
import type { Chosen } from "./useChosen";
import type { Windows } from "./windows";

/** Lines above and below the visible ones that are there too, so that scrolling shows no gaps. */
const MARGIN = 20;
/** What can be done with chosen lines stands over so many pixels at the upper edge: one row, two on a phone. */
const OVER = 64;

type Props = {
  windows: Windows;
  /** Lines are added in place: this tells that some were. */
  version: number;
  /** Has lines fetched that are to be seen. */
  see: (first: number, last: number) => void;
  /** Has a line fetched that is sought. */
  bring: (index: number) => void;
  mark: string;
  /** The line that finding stands at. */
  current: number | null;
  empty: ReactNode;
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
  onSeen: (first: number, last: number) => void;
};

export function Lines(props: Props) {
  const { windows, version, isWrapped, isAtEnd, onAtEnd, onSeen, chosen, current, see, bring } = props;
  const box = useRef<HTMLDivElement>(null);
  const scroll = useRef(new Scroll());
  const layout = useRef(new Layout());
  const drawn = useRef<HTMLDivElement>(null);
  const [, setMoved] = useState(0);
  /** How often lines turned out to be higher, or lower, than they were taken for. */
  const [measured, setMeasured] = useState(0);
  const [size, setSize] = useState({ height: 600, width: 1000 });
  const sought = useRef(chosen.sought);
  const isFirst = useRef(true);
  const known = useRef(chosen.sought);
  /** The line that was chosen last: from there the keys go on. */
  const head = useRef<string | null>(null);
  // What is at the upper edge stays there, whatever comes to stand above it.
  const edge = useRef({ of: windows, line: 0, within: 0, shifted: 0 });
  // A link from beside the log leads to another line: it's looked for too.
  if (known.current !== chosen.sought) {
    known.current = chosen.sought;
    sought.current = chosen.sought;
  }
  const digits = windows.isComplete ? String(windows.total).length : 0;
  const setting = props.isPlain ? SLIM : BROAD;
  const columns = isWrapped ? columnsOf(setting, size.width, props.isPlain ? 0 : digits) : 0;
  const stands = layout.current.of(windows, columns, setting);
  const whole = stands.height;

  // A line that was gone to is the one that stays where it is.
  const hold = (line = stands.at(scroll.current.y)) => {
    edge.current = { of: windows, line, within: scroll.current.y - stands.top(line), shifted: windows.shifted };
  };
  const go = (y: number, to?: number) => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = scroll.current.go(y, whole, element.clientHeight);
    hold(to);
    setMoved((count) => count + 1);
  };
  const isInSight = (y: number) => {
    const seen = box.current?.clientHeight ?? 0;
    return y >= scroll.current.y && y <= scroll.current.y + seen - 2 * ROW;
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line moves the end
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (sought.current) {
      const chunk = windows.chunkOf(sought.current);
      const found = windows.indexOf(sought.current);
      if (found !== undefined && chunk >= 0) {
        // A link to a line: there, and not to the end.
        sought.current = null;
        const at = stands.top(found);
        if (isFirst.current || !isInSight(at)) {
          onAtEnd(false);
          go(at - element.clientHeight / 2, found);
        }
        isFirst.current = false;
        return;
      }
      const start = windows.starts[chunk];
      if (start !== undefined) bring(start);
    }
    if (isAtEnd) return go(whole);
    const { of, line, within, shifted } = edge.current;
    if (of !== windows) return go(0);
    const now = line + windows.shifted - shifted;
    // It may have become lower than what was above the edge of it.
    const y = Math.min(stands.top(now) + within, stands.top(now + 1));
    if (y !== scroll.current.y) go(y, now);
  }, [version, windows, isAtEnd, columns, size.height, chosen.sought, measured]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: it goes there when finding does, not when lines come
  useLayoutEffect(() => {
    if (current === null) return;
    const at = stands.top(current);
    if (isInSight(at)) return;
    onAtEnd(false);
    go(at - (box.current?.clientHeight ?? 0) / 2, current);
  }, [current]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ height: element.clientHeight, width: element.clientWidth }));
    observer.observe(element);
    // Letters of another font are others: what was drawn with it before is looked at again.
    const again = () => setMoved((count) => count + 1);
    document.fonts.addEventListener("loadingdone", again);
    return () => {
      observer.disconnect();
      document.fonts.removeEventListener("loadingdone", again);
    };
  }, []);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const before = scroll.current.y;
    const bar = scroll.current.moved(element.scrollTop, whole, element.clientHeight);
    if (bar !== element.scrollTop) element.scrollTop = bar;
    // The browser tells of where it was sent too.
    if (Math.abs(scroll.current.y - before) >= 1) hold();
    setMoved((count) => count + 1);
    onAtEnd(whole - scroll.current.y - element.clientHeight < ROW * 2);
  };
  // A log that is higher than the browser's area has ends that its own keys don't know.
  // Chosen by keys, at the upper or the lower edge where it was out of sight.
  const choose = (index: number, upTo: boolean) => {
    const line = windows.line(index);
    if (!line) return;
    head.current = line.position;
    chosen.choose(line, upTo);
    const [at, seen] = [stands.top(index), box.current?.clientHeight ?? 0];
    if (isInSight(at)) return;
    onAtEnd(false);
    go(at < scroll.current.y ? at : at - seen + 2 * ROW, index);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { key, shiftKey } = event;
    const end = chosen.ends?.[1];
    const from = end && head.current && chosen.isAmong(head.current) ? head.current : end;
    const last = from ? windows.indexOf(from) : undefined;
    if (key === "Home" || key === "End") {
      onAtEnd(key === "End");
      go(key === "End" ? whole : 0);
    } else if (key === "Enter" && !end && event.target === event.currentTarget) {
      // The first that is whole in sight, or the one that finding stands at.
      const first = stands.at(scroll.current.y + ROW - 1);
      choose(current !== null && isInSight(stands.top(current)) ? current : first, false);
    } else if ((key === "ArrowUp" || key === "ArrowDown") && end && last !== undefined) {
      const next = last + (key === "ArrowUp" ? -1 : 1);
      if (next >= 0 && next < windows.total) choose(next, shiftKey);
    } else return;
    event.preventDefault();
  };
  const y = scroll.current.y;
  const [top, bottom] = [stands.at(y), stands.at(y + size.height)];
  const first = Math.max(0, top - MARGIN);
  const last = Math.min(windows.total, bottom + 1 + MARGIN);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is fetched changes with what is seen
  useEffect(() => {
    if (windows.total > 0) see(first, last - 1);
    onSeen(top, bottom);
  }, [first, last, windows, windows.isComplete]);
  // Before any of it is seen: lines that were taken for higher or lower than they are would leave a gap where somebody
  // looks, or push the newest out of sight.
  useLayoutEffect(() => {
    const lines = [...(drawn.current?.children ?? [])];
    const heights = lines.map((line, at): [number, number] => [first + at, line.getBoundingClientRect().height]);
    if (isWrapped && stands.measure(heights)) setMeasured((count) => count + 1);
  });
  const [from, to] = [top, stands.at(y + OVER)];
  const isOver = Array.from({ length: to - from + 1 }, (_, at) => windows.line(from + at)).some(
    (line) => line && chosen.has(line),
  );
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);

  return (
    <div
      className={`${css.lines} ${props.isFitting ? css.fitting : ""} ${isWrapped ? css.wrapped : ""} ${props.isPlain ? css.plain : ""} ${props.tellsWhy ? css.tellsWhy : ""}`}
      ref={box}
      data-over={isOver || undefined}
      onScroll={scrolled}
      onKeyDown={keys}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
      role="log"
      aria-label="Log"
      aria-keyshortcuts="Enter ArrowUp ArrowDown Shift+ArrowUp Shift+ArrowDown Escape"
      aria-live="off"
    >
      {windows.total === 0 ? (
        <div className={css.empty}>{props.empty}</div>
      ) : (
        <div className={css.inside} style={{ height: Scroll.area(whole) }}>
          <div className={css.rows} ref={drawn} style={{ top: stands.top(first) - scroll.current.base }}>
            {rows.map((index) => {
              const line = windows.line(index);
              const number = windows.isComplete ? index + 1 : null;
              return line ? (
                <Line
                  key={line.position}
                  line={line}
                  number={number}
                  digits={digits}
                  mark={props.mark}
                  isCurrent={index === current}
                  isChosen={chosen.has(line)}
                  isEvidence={props.evidence?.has(line.position) ?? false}
                  onChoose={(line, upTo) => {
                    head.current = line.position;
                    chosen.choose(line, upTo);
                  }}
                />
              ) : (
                <div key={`waits-${index}`} className={css.line} aria-hidden>
                  <span className={css.at}>
                    <span className={css.number} style={{ minWidth: `${digits}ch` }}>
                      {number}
                    </span>
                  </span>
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}

function Line(props: {
  line: Shown;
  number: number | null;
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
          {props.number}
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
        {(line.level === "error" || line.level === "warn") && !line.bare.toLowerCase().startsWith(line.level) && (
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
