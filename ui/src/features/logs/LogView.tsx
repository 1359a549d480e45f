import { Button, Select } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import {
  IconArrowDown,
  IconFilter,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerPlayFilled,
  IconSparkles,
  IconTextWrap,
} from "@tabler/icons-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { getDownloadLogsUrl } from "@/api/generated";
import { Note, usePhone, WaitingButton } from "@/kit";
import { isOver as isFinal } from "./again";
import { Choice } from "./Choice";
import { Lines } from "./Lines";
import { LEVELS, type Level } from "./lines";
import css from "./logs.module.css";
import { Strip, useLater } from "./Strip";
import { rate, rateInWords } from "./strip";
import { Download, Find, IconSwitch, Levels, PhoneFilter, TIMES, type Which, WhichLog } from "./Tools";
import { type Ends, useChosen } from "./useChosen";
import { useFilter } from "./useFilter";
import { type Missing, useLog } from "./useLog";
import type { Windows } from "./windows";

type Props = {
  workspace: string;
  instance: string;
  source?: "init" | "proxy";
  deployment?: string;
  /** Nothing more comes: it is read, not followed. */
  isOver?: boolean;
  /** Before the tools: the steps of a deployment, or which log. */
  head?: ReactNode;
  /** Which of the instance's logs it is, and how to choose another. */
  which?: Which;
  /** What it is of, in one line. */
  about?: ReactNode;
  /** Has the lines from one to another explained. */
  onExplain?: (ends: Ends, numberOf: (position: string) => number | undefined) => void;
  /** Where the lines stand that an explanation rests on. */
  evidence?: ReadonlySet<string>;
  /** The page is the log: it takes what the window has. Else it stands in a card. */
  isWhole?: boolean;
};

const many = (count: number, one: string, more = `${one}s`) =>
  count === 1 ? `1 ${one}` : `${count.toLocaleString("en")} ${more}`;

export function LogView(props: Props) {
  const { workspace, instance, source, deployment, isOver = false, head, which, isWhole = false, onExplain } = props;
  const phone = usePhone();
  const [kept, change] = useFilter(isWhole);
  const { isOnly, hidden, minutes } = kept;
  // What is typed is here at once, and in the address when it has settled.
  const [text, setText] = useState(kept.text);
  const [settled] = useDebouncedValue(text, 250);
  const [isPaused, setPaused] = useState(false);
  const [wraps, setWraps] = useState<boolean | null>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  /** How many lines there were when the end was left. */
  const [left, setLeft] = useState(0);
  const [place, setPlace] = useState<number | null>(null);
  const sight = useRef({ first: 0, last: 0 });
  const isWrapped = wraps ?? phone;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows what is typed
  useEffect(() => {
    if (settled !== kept.text) change({ text: settled });
  }, [settled]);
  const q = isOnly ? settled : "";
  const filter = useMemo(() => {
    const shown = LEVELS.filter((level) => !hidden.includes(level));
    return {
      ...(source && { source }),
      ...(deployment && { source: "deployment" as const, deployment }),
      ...(q && { q }),
      ...(hidden.length > 0 && { level: shown.join(",") }),
      ...(minutes !== "all" && { since: new Date(Date.now() - Number(minutes) * 60_000).toISOString() }),
    };
  }, [source, deployment, q, hidden, minutes]);
  const log = useLog({
    workspace,
    instance,
    filter,
    find: settled,
    follow: !isOver,
    isPaused: isPaused && !isOver,
  });
  const { windows, finding: found } = log;
  const chosen = useChosen(windows);
  const isSettled = text === settled;
  const standsAt = !found || place === null || place >= found.found.length ? (found?.found.length ?? 0) - 1 : place;
  const isLost = log.problem !== null && isFinal(log.problem);
  const toggle = (level: Level) => {
    const next = hidden.includes(level) ? hidden.filter((one) => one !== level) : [...hidden, level];
    // With none there is nothing to show: the last one that is taken away leaves all.
    change({ hidden: next.length === LEVELS.length ? [] : next });
  };
  const atEnd = (isAtEnd: boolean) => {
    setAtEnd(isAtEnd);
    if (isAtEnd) setLeft(0);
    else setLeft((left) => left || windows.total);
  };
  const finding = {
    text,
    at: place === null ? null : standsAt,
    count: !isSettled || (settled && !found) ? null : (found?.hits ?? 0),
    change: (text: string) => {
      setText(text);
      setPlace(null);
    },
    go: (by: number) => {
      if (!found || found.found.length === 0) return;
      if (place === null) return setPlace(found.first(by, sight.current));
      setPlace((standsAt + by + found.found.length) % found.found.length);
    },
  };
  const isFiltered = (isOnly && settled !== "") || hidden.length > 0 || minutes !== "all";
  const empty =
    !log.isRead || isLost ? null : isFiltered ? (
      <>
        No line fits.{" "}
        <Button variant="transparent" onClick={() => change({ isOnly: false, hidden: [], minutes: "all" })}>
          Show all lines
        </Button>
      </>
    ) : (
      "Nothing was written yet."
    );
  const levels = { counts: windows.counts, hidden, onToggle: toggle };
  const numberOf = (position: string) => {
    const at = windows.isComplete ? windows.indexOf(position) : undefined;
    return at === undefined ? undefined : at + 1;
  };
  const href = (form: "text" | "ndjson") =>
    getDownloadLogsUrl(workspace, instance, {
      ...filter,
      form,
      ...(chosen.isSeveral && chosen.ends && { from: chosen.ends[0], to: chosen.ends[1] }),
    });
  const fresh = isAtEnd || left === 0 ? 0 : Math.max(0, windows.total - left);

  const frame = useRef<HTMLDivElement>(null);
  const find = () => frame.current?.querySelector<HTMLInputElement>("input[data-find]")?.focus();
  useHotkeys(isWhole ? [["/", find]] : []);
  // A link from beside the log leads to a line: on a narrow page the log itself may be out of sight.
  useEffect(() => {
    if (chosen.sought) frame.current?.scrollIntoView({ block: "nearest" });
  }, [chosen.sought]);
  // Lines that came to stand before those that were here aren't new.
  const shifted = useRef(windows.shifted);
  useEffect(() => {
    const by = windows.shifted - shifted.current;
    shifted.current = windows.shifted;
    if (by > 0) setLeft((left) => (left ? left + by : 0));
  });

  // Where the focus was goes with what it was for: the lines have it then.
  const chooseNone = () => {
    chosen.none();
    frame.current?.querySelector<HTMLElement>("[role=log]")?.focus({ preventScroll: true });
  };

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
        {which && !phone && <WhichLog which={which} />}
        <Find finding={finding} />
        {isWhole && !phone && <Levels {...levels} />}
        {isWhole && !phone && (
          <Select
            aria-label="Time"
            className={css.time ?? ""}
            data-tool
            data={TIMES}
            value={minutes}
            onChange={(value) => change({ minutes: value ?? "all" })}
            w={112}
          />
        )}
        <div className={css.right}>
          {!phone && (
            <>
              {isWhole && (
                <IconSwitch
                  word="Only what is found"
                  Icon={IconFilter}
                  isOn={isOnly}
                  onChange={(isOnly) => change({ isOnly })}
                />
              )}
              <IconSwitch word="Wrap long lines" Icon={IconTextWrap} isOn={isWrapped} onChange={setWraps} />
            </>
          )}
          <PhoneFilter
            {...levels}
            {...(which && { which })}
            minutes={minutes}
            onMinutes={(minutes) => change({ minutes })}
            isOnly={isOnly}
            onOnly={(isOnly) => change({ isOnly })}
            isWrapped={isWrapped}
            onWrapped={setWraps}
          />
          <Download href={href} isOfChosen={chosen.isSeveral} />
          {isWhole && onExplain && !phone && (
            <WaitingButton
              variant="default"
              leftSection={<IconSparkles size={16} stroke={1.75} aria-hidden />}
              why={windows.total === 0 ? "There is no line to explain" : undefined}
              onClick={() => {
                const lines = windows.between(sight.current.first, sight.current.last);
                const [first, last] = [lines[0]?.position, lines.at(-1)?.position];
                const ends = chosen.ends ?? (first && last && ([first, last] as const));
                if (ends) onExplain(ends, numberOf);
              }}
            >
              Explain
            </WaitingButton>
          )}
        </div>
      </div>
      {props.about && <div className={css.about}>{props.about}</div>}
      {isWhole && !phone && <Strip windows={windows} version={log.version} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape holds in all of it */}
      <div
        className={css.middle}
        onKeyDown={(event) => {
          if (event.key === "Escape" && chosen.ends) chooseNone();
        }}
      >
        <Lines
          windows={windows}
          version={log.version}
          see={log.see}
          bring={log.bring}
          mark={text}
          current={place === null ? null : (found?.found[standsAt] ?? null)}
          empty={empty}
          isFitting={!isWhole}
          isWrapped={isWrapped}
          isPlain={phone}
          tellsWhy={!isWhole}
          evidence={props.evidence}
          chosen={chosen}
          isAtEnd={isAtEnd}
          onAtEnd={atEnd}
          onSeen={(first, last) => {
            sight.current = { first, last };
          }}
        />
        <Choice
          chosen={chosen}
          href={href("text")}
          isFiltered={isFiltered}
          onNone={chooseNone}
          {...(onExplain && {
            onExplain: () => chosen.ends && onExplain(chosen.ends, numberOf),
          })}
        />
      </div>
      <div className={css.foot}>
        {log.isLive ? (
          <span className={css.live}>
            <IconPlayerPlayFilled size={12} aria-hidden /> Live
          </span>
        ) : (
          <span role="status">
            {isLost ? "Ended" : !isOver ? (isPaused ? "Paused" : "Connecting") : log.isThrough ? "Complete" : "Reading"}
          </span>
        )}
        {log.isLive && <Rate windows={windows} version={log.version} />}
        <span className={`${css.many} numbers`}>
          {windows.isComplete
            ? many(windows.total, "line")
            : log.counted !== null && log.counted > 0
              ? `Counting: ${many(log.counted, "line")}`
              : ""}
        </span>
        {!isLost && <Absent missing={log.missing} />}
        {isWhole && <span className={css.many}>Secrets are masked</span>}
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
            onClick={() => atEnd(true)}
          >
            {fresh > 0 ? many(fresh, "new line") : "Newest"}
          </Button>
        </span>
      </div>
    </div>
  );
}

const ABSENT: [keyof Missing, string][] = [
  ["older", "What was written before isn't here yet"],
  ["seen", "Some lines aren't here yet"],
  ["found", "What is sought wasn't looked for yet"],
];

/** What isn't there because the server didn't answer. */
function Absent({ missing }: { missing: Missing }) {
  const parts = ABSENT.filter(([part]) => missing[part]).map(([, words]) => words);
  if (parts.length === 0) return null;
  return <span role="status">{parts.join(". ")}. Asking again.</span>;
}

/** How fast it goes, told anew as lines come, and once more when they have ceased. */
function Rate({ windows, version }: { windows: Windows; version: number }) {
  const later = useLater(version);
  const [now, setNow] = useState(Date.now);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are a reason to look at the clock
  useEffect(() => {
    setNow(Date.now());
    const timer = setTimeout(() => setNow(Date.now()), 10_500);
    return () => clearTimeout(timer);
  }, [later]);
  return <span className="numbers">{rateInWords(rate(windows, now))}</span>;
}
