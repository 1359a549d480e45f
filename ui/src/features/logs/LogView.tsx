import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowDown, IconPlayerPause, IconPlayerPlay, IconSearch } from "@tabler/icons-react";
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { LogLine } from "@/api/types";
import { Note } from "@/kit";
import { levelOf } from "./lines";
import css from "./logs.module.css";
import { useLog } from "./useLog";

const HEIGHT = 20;
/** Lines above and below the visible ones that are there too, so that scrolling shows no gaps. */
const MARGIN = 20;

type Props = {
  workspace: string;
  instance: string;
  deployment?: string;
  /** Nothing more comes: it is read, not followed. */
  isOver?: boolean;
};

export function LogView({ workspace, instance, deployment, isOver }: Props) {
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search, 250);
  const [isPaused, setPaused] = useState(false);
  const follow = !isOver && !isPaused;
  const log = useLog({ workspace, instance, deployment, q, follow });
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line moves the end
  useLayoutEffect(() => {
    if (isAtEnd && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [log.lines, isAtEnd]);
  useEffect(() => {
    if (box.current) setHeight(box.current.clientHeight);
  }, []);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    setTop(element.scrollTop);
    setHeight(element.clientHeight);
    setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < HEIGHT * 2);
  };
  const first = Math.max(0, Math.floor(top / HEIGHT) - MARGIN);
  const last = Math.min(log.lines.length, Math.ceil((top + height) / HEIGHT) + MARGIN);

  return (
    <div style={{ display: "grid", gap: 12 }}>
      {log.problem && (
        <Note tone={log.problem.status === 403 || log.problem.status === 404 ? "bad" : "warn"}>
          {log.problem.code === "permission_denied" || log.problem.code === "not_found"
            ? "You may not read this log any more. "
            : "The log broke off. "}
          {log.problem.detail}{" "}
          <Button size="compact-sm" variant="subtle" onClick={log.again}>
            Try again
          </Button>
        </Note>
      )}
      <div className={css.frame}>
        <div className={css.tools}>
          <TextInput
            aria-label="Find in the log"
            placeholder="Find in the log"
            leftSection={<IconSearch size={15} stroke={1.75} />}
            w={{ base: "100%", xs: 280 }}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        </div>
        <div
          className={css.lines}
          ref={box}
          onScroll={scrolled}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
          tabIndex={0}
          role="log"
          aria-label="Log"
          aria-live="off"
        >
          {log.lines.length === 0 ? (
            <div className={css.empty}>{q ? "No line fits." : log.problem ? "" : "Nothing was written yet."}</div>
          ) : (
            <div className={css.inside} style={{ height: log.lines.length * HEIGHT }}>
              {log.lines.slice(first, last).map((line, index) => (
                <Line key={line.position} line={line} top={(first + index) * HEIGHT} mark={q} />
              ))}
            </div>
          )}
        </div>
        <div className={css.foot}>
          {log.isLive ? (
            <span className={css.live} role="status">
              <IconPlayerPlay size={13} aria-hidden /> Live
            </span>
          ) : (
            <span>{isPaused ? "Paused" : isOver ? "Complete" : "Not connected"}</span>
          )}
          <span className="numbers">{log.lines.length.toLocaleString("en")} lines</span>
          <span>
            {!isOver && (
              <Button
                size="compact-sm"
                variant="subtle"
                leftSection={isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
                onClick={() => setPaused(!isPaused)}
              >
                {isPaused ? "Go on" : "Pause"}
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="subtle"
              leftSection={<IconArrowDown size={14} />}
              disabled={isAtEnd}
              onClick={() => setAtEnd(true)}
            >
              Newest
            </Button>
          </span>
        </div>
      </div>
    </div>
  );
}

const CLASSES = { error: css.error, warn: css.warn, stoa: css.stoa };

function Line({ line, top, mark }: { line: LogLine; top: number; mark: string }) {
  const level = levelOf(line);
  return (
    <div className={css.line} style={{ top }}>
      <span className={css.at} title={line.at}>
        {line.at.slice(11, 23)}
      </span>
      <span className={css.stream}>{line.stream}</span>
      <span className={level ? CLASSES[level] : undefined}>{marked(line.text, mark)}</span>
    </div>
  );
}

/** The text with what was searched for marked. */
function marked(text: string, mark: string): ReactNode {
  if (!mark) return text;
  const at = text.toLowerCase().indexOf(mark.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + mark.length)}</mark>
      {marked(text.slice(at + mark.length), mark)}
    </>
  );
}
