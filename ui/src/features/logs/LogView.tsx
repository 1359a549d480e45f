import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconAlertTriangle,
  IconArrowDown,
  IconBug,
  IconCircleX,
  IconDownload,
  IconInfoCircle,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerPlayFilled,
  IconSearch,
} from "@tabler/icons-react";
import { useState } from "react";
import { address, at } from "@/api/client";
import { Note, usePhone } from "@/kit";
import { Lines } from "./Lines";
import { LEVELS, type Level } from "./lines";
import css from "./logs.module.css";
import { isOver as isFinal, useLog } from "./useLog";

const WORDS = {
  error: { word: "Error", Icon: IconCircleX },
  warn: { word: "Warn", Icon: IconAlertTriangle },
  info: { word: "Info", Icon: IconInfoCircle },
  debug: { word: "Debug", Icon: IconBug },
};

const TIMES = [
  { value: "all", label: "All times" },
  { value: "15", label: "Last 15 minutes" },
  { value: "60", label: "Last hour" },
  { value: "1440", label: "Last day" },
];

type Props = {
  workspace: string;
  instance: string;
  deployment?: string;
  /** Nothing more comes: it is read, not followed. */
  isOver?: boolean;
};

export function LogView({ workspace, instance, deployment, isOver = false }: Props) {
  const phone = usePhone();
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search, 250);
  const [minutes, setMinutes] = useState<string | null>("all");
  const [isPaused, setPaused] = useState(false);
  const [hidden, setHidden] = useState<Level[]>([]);
  const [isAtEnd, setAtEnd] = useState(true);
  const log = useLog({
    workspace,
    instance,
    deployment,
    q,
    minutes: minutes && minutes !== "all" ? Number(minutes) : null,
    follow: !isOver,
    isPaused: isPaused && !isOver,
  });
  const { buffer } = log;
  const visible = hidden.length === 0 ? buffer.lines : buffer.lines.filter(({ level }) => !hidden.includes(level));
  const isLost = log.problem !== null && isFinal(log.problem);
  const toggle = (level: Level) =>
    setHidden((hidden) => (hidden.includes(level) ? hidden.filter((one) => one !== level) : [...hidden, level]));
  const empty = !log.isRead
    ? ""
    : q || hidden.length || minutes !== "all"
      ? "No line fits."
      : isLost
        ? ""
        : "Nothing was written yet.";

  return (
    <div className={css.whole}>
      {isLost && log.problem && (
        <Note tone="bad">
          {[403, 404].includes(log.problem.status) ? "You may not read this log any more. " : "The log can't be read. "}
          {log.problem.detail}{" "}
          <Button size="compact-sm" variant="transparent" onClick={log.again}>
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
            w={{ base: "100%", xs: 260 }}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own */}
          <div className={css.levels} role="group" aria-label="Levels">
            {LEVELS.map((level) => {
              const { word, Icon } = WORDS[level];
              return (
                <button
                  key={level}
                  type="button"
                  className={css.toggle}
                  aria-pressed={!hidden.includes(level)}
                  onClick={() => toggle(level)}
                >
                  <Icon size={15} stroke={1.75} aria-hidden className={css[level]} />
                  {word} <span className="numbers">{buffer.counts[level].toLocaleString("en")}</span>
                </button>
              );
            })}
          </div>
          {!deployment && !phone && (
            <Select
              aria-label="Time"
              data={TIMES}
              value={minutes}
              onChange={setMinutes}
              allowDeselect={false}
              w={160}
            />
          )}
          <Button
            component="a"
            className={css.download ?? ""}
            leftSection={<IconDownload size={16} stroke={1.75} />}
            href={address(at`/workspaces/${workspace}/instances/${instance}/logs`, {
              q,
              ...(deployment && { source: "deployment", deployment }),
            })}
            download={`${deployment ? "deployment" : "application"}-log.ndjson`}
          >
            Download
          </Button>
        </div>
        <Lines
          lines={visible}
          version={log.version}
          mark={q}
          empty={empty}
          isFitting={isOver}
          isAtEnd={isAtEnd}
          onAtEnd={setAtEnd}
        />
        <div className={css.foot}>
          {log.isLive ? (
            <span className={css.live}>
              <IconPlayerPlayFilled size={12} aria-hidden /> Live
            </span>
          ) : (
            <span role="status">{isLost ? "Ended" : isPaused ? "Paused" : isOver ? "Complete" : "Connecting"}</span>
          )}
          <span className="numbers">
            {visible.length === 1 ? "1 line" : `${visible.length.toLocaleString("en")} lines`}
            {hidden.length > 0 && ` of ${buffer.lines.length.toLocaleString("en")}`}
          </span>
          <span>
            {!isOver && !isLost && (
              <Button
                variant="subtle"
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
            {!isAtEnd && (
              <Button
                variant="subtle"
                leftSection={<IconArrowDown size={16} stroke={1.75} aria-hidden />}
                onClick={() => setAtEnd(true)}
              >
                Newest
              </Button>
            )}
          </span>
        </div>
      </div>
    </div>
  );
}
