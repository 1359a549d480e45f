import { Button, SegmentedControl, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconArrowDown,
  IconFilter,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerPlayFilled,
  IconTextWrap,
} from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { getReadLogsUrl } from "@/api/generated";
import { Note, usePhone } from "@/kit";
import { Choice } from "./Choice";
import { Finder } from "./find";
import { Lines } from "./Lines";
import type { Level, Shown } from "./lines";
import css from "./logs.module.css";
import { Strip, useLater } from "./Strip";
import { rate, rateInWords } from "./strip";
import { Download, Find, IconSwitch, Levels, PhoneFilter, TIMES, WHICH, type Which } from "./Tools";
import { useChosen } from "./useChosen";
import { isOver as isFinal, useLog } from "./useLog";

type Props = {
  workspace: string;
  instance: string;
  deployment?: string;
  /** Nothing more comes: it is read, not followed. */
  isOver?: boolean;
  /** Before the tools: the steps of a deployment, or which log. */
  head?: ReactNode;
  /** Which of the instance's logs it is, and how to choose the other. */
  which?: Which;
  /** Has the chosen lines explained. */
  onExplain?: (lines: Shown[], numberOf: (position: string) => number | undefined) => void;
  /** Where the lines stand that an explanation rests on. */
  evidence?: ReadonlySet<string>;
  /** The page is the log: it takes what the window has. Else it stands in a card. */
  isWhole?: boolean;
};

export function LogView(props: Props) {
  const { workspace, instance, deployment, isOver = false, head, which, isWhole = false, onExplain } = props;
  const phone = usePhone();
  const [text, setText] = useState("");
  const [settled] = useDebouncedValue(text, 250);
  const [isOnly, setOnly] = useState(false);
  const [minutes, setMinutes] = useState("all");
  const [isPaused, setPaused] = useState(false);
  const [hidden, setHidden] = useState<Level[]>([]);
  const [wraps, setWraps] = useState<boolean | null>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [place, setPlace] = useState<number | null>(null);
  const finder = useRef(new Finder());
  const isWrapped = wraps ?? phone;
  const log = useLog({
    workspace,
    instance,
    deployment,
    // Only what is found is asked of the whole log; finding alone is in the lines that are here.
    q: isOnly ? settled : "",
    minutes: minutes !== "all" ? Number(minutes) : null,
    follow: !isOver,
    isPaused: isPaused && !isOver,
  });
  const { buffer } = log;
  const lines = hidden.length === 0 ? buffer.lines : buffer.lines.filter(({ level }) => !hidden.includes(level));
  const chosen = useChosen(lines);
  const found = finder.current.in(lines, text);
  const standsAt = place === null || place >= found.length ? found.length - 1 : place;
  const isLost = log.problem !== null && isFinal(log.problem);
  const toggle = (level: Level) =>
    setHidden((hidden) => (hidden.includes(level) ? hidden.filter((one) => one !== level) : [...hidden, level]));
  const finding = {
    text,
    at: standsAt,
    count: found.length,
    change: (text: string) => {
      setText(text);
      setPlace(null);
    },
    go: (by: number) => found.length > 0 && setPlace((standsAt + by + found.length) % found.length),
  };
  const isFiltered = (isOnly && settled) || hidden.length > 0 || minutes !== "all";
  const empty = !log.isRead || isLost ? "" : isFiltered ? "No line fits." : "Nothing was written yet.";
  const filter = { counts: buffer.counts, hidden, onToggle: toggle };
  const href = getReadLogsUrl(workspace, instance, {
    ...(isOnly && settled && { q: settled }),
    ...(deployment && { source: "deployment", deployment }),
  });

  // A link from beside the log leads to a line: on a narrow page the log itself may be out of sight.
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (chosen.sought) frame.current?.scrollIntoView({ block: "nearest" });
  }, [chosen.sought]);

  return (
    <div ref={frame} className={`${css.frame} ${isWhole ? css.whole : css.card}`}>
      {isLost && log.problem && (
        <div className={css.lost}>
          <Note tone="bad">
            {[403, 404].includes(log.problem.status)
              ? "You may not read this log any more. "
              : "The log can't be read. "}
            {log.problem.detail}{" "}
            <Button variant="transparent" onClick={log.again}>
              Try again
            </Button>
          </Note>
        </div>
      )}
      <div className={css.tools}>
        {head}
        {which && !phone && (
          <SegmentedControl aria-label="Which log" value={which.value} onChange={which.choose} data={WHICH} />
        )}
        <Find finding={finding} />
        {isWhole && !phone && <Levels {...filter} />}
        {isWhole && !phone && (
          <Select
            aria-label="Time"
            className={css.time ?? ""}
            data-tool
            data={TIMES}
            value={minutes}
            onChange={(value) => setMinutes(value ?? "all")}
            w={150}
          />
        )}
        <div className={css.right}>
          {!phone && (
            <>
              {isWhole && <IconSwitch word="Only what is found" Icon={IconFilter} isOn={isOnly} onChange={setOnly} />}
              <IconSwitch word="Wrap long lines" Icon={IconTextWrap} isOn={isWrapped} onChange={setWraps} />
            </>
          )}
          <PhoneFilter
            {...filter}
            {...(which && { which })}
            minutes={minutes}
            onMinutes={setMinutes}
            isOnly={isOnly}
            onOnly={setOnly}
            isWrapped={isWrapped}
            onWrapped={setWraps}
          />
          <Download href={href} name={`${deployment ? "deployment" : "application"}-log.ndjson`} />
        </div>
      </div>
      {isWhole && !phone && <Strip lines={buffer.lines} version={log.version} />}
      <div className={css.middle}>
        <Lines
          lines={lines}
          version={log.version}
          mark={text}
          current={place === null ? null : (found[standsAt] ?? null)}
          empty={empty}
          isFitting={!isWhole}
          isWrapped={isWrapped}
          isPlain={phone}
          tellsWhy={!isWhole}
          evidence={props.evidence}
          chosen={chosen}
          isAtEnd={isAtEnd}
          onAtEnd={setAtEnd}
        />
        <Choice
          chosen={chosen}
          {...(onExplain && {
            onExplain: () =>
              onExplain(chosen.lines, (position) => buffer.lines.find((line) => line.position === position)?.number),
          })}
        />
      </div>
      <div className={css.foot}>
        {log.isLive ? (
          <span className={css.live}>
            <IconPlayerPlayFilled size={12} aria-hidden /> Live
          </span>
        ) : (
          <span role="status">{isLost ? "Ended" : isPaused ? "Paused" : isOver ? "Complete" : "Connecting"}</span>
        )}
        {log.isLive && <Rate lines={buffer.lines} version={log.version} />}
        <span className={`${css.many} numbers`}>
          {lines.length === 1 ? "1 line" : `${lines.length.toLocaleString("en")} lines`}
          {hidden.length > 0 && ` of ${buffer.lines.length.toLocaleString("en")}`}
        </span>
        <span className={css.steer}>
          {!isOver && !isLost && (
            <Button
              variant={phone ? "default" : "subtle"}
              leftSection={
                isPaused ? (
                  <IconPlayerPlay size={16} stroke={1.75} aria-hidden />
                ) : (
                  <IconPlayerPause size={16} stroke={1.75} aria-hidden />
                )
              }
              onClick={() => setPaused(!isPaused)}
            >
              {isPaused ? "Go on" : "Pause"}
            </Button>
          )}
          <Button
            variant={phone ? "default" : "subtle"}
            leftSection={<IconArrowDown size={16} stroke={1.75} aria-hidden />}
            onClick={() => setAtEnd(true)}
          >
            Newest
          </Button>
        </span>
      </div>
    </div>
  );
}

/** How fast it goes, told anew as lines come, and once more when they have ceased. */
function Rate({ lines, version }: { lines: Parameters<typeof rate>[0]; version: number }) {
  const later = useLater(version);
  const [now, setNow] = useState(Date.now);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are a reason to look at the clock
  useEffect(() => {
    setNow(Date.now());
    const timer = setTimeout(() => setNow(Date.now()), 10_500);
    return () => clearTimeout(timer);
  }, [later]);
  return <span className="numbers">{rateInWords(rate(lines, now))}</span>;
}
