// The lines of a log, of which only the visible ones are in the page.

import { useLocation, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { pieces, type Shown } from "./lines";
import css from "./logs.module.css";

const HEIGHT = 20;
/** Lines above and below the visible ones that are there too, so that scrolling shows no gaps. */
const MARGIN = 20;

type Props = {
  lines: Shown[];
  /** Lines are added in place: this tells that some were. */
  version: number;
  mark: string;
  empty: string;
  /** As high as its lines, up to the bound: for logs that are complete. */
  isFitting: boolean;
  isAtEnd: boolean;
  onAtEnd: (isAtEnd: boolean) => void;
};

export function Lines({ lines, version, mark, empty, isFitting, isAtEnd, onAtEnd }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const { hash } = useLocation();
  const navigate = useNavigate();
  const sought = useRef(hash);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line moves the end
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const found = sought.current ? lines.findIndex(({ position }) => position === sought.current) : -1;
    if (found >= 0) {
      // A link to a line: there, and not to the end.
      sought.current = "";
      onAtEnd(false);
      element.scrollTop = Math.max(0, found * HEIGHT - element.clientHeight / 2);
    } else if (isAtEnd) element.scrollTop = element.scrollHeight;
  }, [version, lines.length, isAtEnd]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    setTop(element.scrollTop);
    onAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < HEIGHT * 2);
  };
  const first = Math.max(0, Math.floor(top / HEIGHT) - MARGIN);
  const last = Math.min(lines.length, Math.ceil((top + height) / HEIGHT) + MARGIN);
  const choose = (position: string) =>
    void navigate({ to: ".", hash: position === hash ? "" : position, replace: true, resetScroll: false });

  return (
    <div
      className={`${css.lines} ${isFitting ? css.fitting : ""}`}
      ref={box}
      onScroll={scrolled}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
      role="log"
      aria-label="Log"
      aria-live="off"
    >
      {lines.length === 0 ? (
        <div className={css.empty}>{empty}</div>
      ) : (
        <div className={css.inside} style={{ height: lines.length * HEIGHT }}>
          {lines.slice(first, last).map((line, index) => (
            <Line
              key={line.position}
              line={line}
              top={(first + index) * HEIGHT}
              mark={mark}
              isChosen={line.position === hash}
              onChoose={choose}
            />
          ))}
        </div>
      )}
    </div>
  );
}

function Line(props: {
  line: Shown;
  top: number;
  mark: string;
  isChosen: boolean;
  onChoose: (position: string) => void;
}) {
  const { line } = props;
  const ofStoa = line.stream === "stoa" && line.level === "info";
  return (
    <div className={`${css.line} ${props.isChosen ? css.chosen : ""}`} style={{ top: props.top }}>
      <button
        type="button"
        tabIndex={-1}
        className={css.at}
        title={`${line.at}: link to this line`}
        onClick={() => props.onChoose(line.position)}
      >
        {line.at.slice(11, 23)}
      </button>
      <span className={`${css.level} ${css[line.level]}`}>{line.level}</span>
      <span className={css.stream}>{line.stream}</span>
      <span className={`${css.text} ${ofStoa ? css.stoa : css[`${line.level}Text`]}`}>
        {pieces(line.text).map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line never move
          <span key={index} className={`${piece.colour ? css[piece.colour] : ""} ${piece.isBold ? css.bold : ""}`}>
            {marked(piece.text, props.mark)}
          </span>
        ))}
      </span>
    </div>
  );
}

/** The text with what was searched for marked. */
function marked(text: string, mark: string): ReactNode {
  if (!mark) return text;
  const parts: ReactNode[] = [];
  const [lower, sought] = [text.toLowerCase(), mark.toLowerCase()];
  let from = 0;
  for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + mark.length)}</mark>);
    from = at + mark.length;
  }
  parts.push(text.slice(from));
  return parts;
}
