import { ActionIcon, Menu, SegmentedControl, TextInput, Tooltip } from "@mantine/core";
import {
  IconAlertTriangle,
  IconBraces,
  IconBug,
  IconCheck,
  IconChevronDown,
  IconChevronUp,
  IconCircleX,
  IconDownload,
  IconFileText,
  IconFilter,
  IconInfoCircle,
  IconSearch,
  type IconTextWrap,
} from "@tabler/icons-react";
import type { KeyboardEvent } from "react";
import { usePhone } from "@/kit";
import { checkable } from "@/kit/checkable";
import { LEVELS, type Level } from "./lines";
import css from "./logs.module.css";

const WORDS = {
  error: { word: "Error", Icon: IconCircleX },
  warn: { word: "Warn", Icon: IconAlertTriangle },
  info: { word: "Info", Icon: IconInfoCircle },
  debug: { word: "Debug", Icon: IconBug },
};

export type Finding = {
  text: string;
  /** `null`: nobody has gone to one of them yet. */
  at: number | null;
  /** `null`: it is still being looked for. */
  count: number | null;
  change: (text: string) => void;
  go: (by: number) => void;
};

/** Finds in the whole log: which of how many, forwards and back. */
export function Find({ finding }: { finding: Finding }) {
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Escape" && finding.text) {
      event.preventDefault();
      finding.change("");
    }
    if (event.key === "Enter") finding.go(event.shiftKey ? -1 : 1);
  };
  return (
    <TextInput
      className={css.find ?? ""}
      aria-label="Find in the log"
      placeholder="Find in logs"
      leftSection={<IconSearch size={15} stroke={1.75} />}
      value={finding.text}
      maxLength={1000}
      data-find
      onChange={(event) => finding.change(event.currentTarget.value)}
      onKeyDown={onKey}
      rightSectionWidth={finding.text ? 132 : 0}
      rightSectionPointerEvents="all"
      rightSection={
        finding.text && (
          <span className={css.finding}>
            <span className="numbers" role="status">
              {finding.count === null
                ? "Looking"
                : finding.count === 0
                  ? "None"
                  : finding.at === null
                    ? `${finding.count.toLocaleString("en")} found`
                    : `${(finding.at + 1).toLocaleString("en")} of ${finding.count.toLocaleString("en")}`}
            </span>
            <ActionIcon size={24} aria-label="The one before" onClick={() => finding.go(-1)}>
              <IconChevronUp size={15} stroke={1.75} />
            </ActionIcon>
            <ActionIcon size={24} aria-label="The next one" onClick={() => finding.go(1)}>
              <IconChevronDown size={15} stroke={1.75} />
            </ActionIcon>
          </span>
        )
      }
    />
  );
}

const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 0 });
const briefly = (count: number) => (count < 10_000 ? count.toLocaleString("en") : short.format(count));

type LevelsProps = { counts: Record<Level, number>; hidden: Level[]; onToggle: (level: Level) => void };

export function Levels({ counts, hidden, onToggle }: LevelsProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own
    <div className={css.levels} role="group" aria-label="Levels">
      {LEVELS.map((level) => {
        const { word, Icon } = WORDS[level];
        return (
          <button
            key={level}
            type="button"
            className={css.toggle}
            title={word}
            aria-pressed={!hidden.includes(level)}
            onClick={() => onToggle(level)}
          >
            <Icon size={15} stroke={1.75} aria-hidden className={css[level]} />
            <b>{word}</b>{" "}
            <span className="numbers" title={counts[level].toLocaleString("en")}>
              {briefly(counts[level])}
            </span>
          </button>
        );
      })}
    </div>
  );
}

export const TIMES = [
  { value: "all", label: "All times" },
  { value: "15", label: "Last 15 min" },
  { value: "60", label: "Last hour" },
  { value: "1440", label: "Last day" },
];

type SwitchProps = { word: string; Icon: typeof IconTextWrap; isOn: boolean; onChange: (on: boolean) => void };

export function IconSwitch({ word, Icon, isOn, onChange }: SwitchProps) {
  return (
    <Tooltip label={word}>
      <ActionIcon
        className={css.tool ?? ""}
        variant="default"
        aria-label={word}
        aria-pressed={isOn}
        onClick={() => onChange(!isOn)}
      >
        <Icon size={16} stroke={1.75} />
      </ActionIcon>
    </Tooltip>
  );
}

/** All that is shown, or the chosen lines of it, as a file. */
type DownloadProps = { href: (form: "text" | "ndjson") => string; isOfChosen: boolean };

export function Download({ href, isOfChosen }: DownloadProps) {
  const what = isOfChosen ? "The chosen lines" : "What is shown";
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Tooltip label="Download">
          <ActionIcon className={css.tool ?? ""} variant="default" aria-label="Download">
            <IconDownload size={16} stroke={1.75} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{what}</Menu.Label>
        <Menu.Item
          component="a"
          href={href("text")}
          download
          leftSection={<IconFileText size={15} stroke={1.75} aria-hidden />}
        >
          As text
        </Menu.Item>
        <Menu.Item
          component="a"
          href={href("ndjson")}
          download
          leftSection={<IconBraces size={15} stroke={1.75} aria-hidden />}
        >
          As lines of JSON
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export type Which = { value: string; choose: (value: string) => void; hasDeployment: boolean };
const WHICH = [
  { value: "application", label: "Application", about: "What its own processes write" },
  { value: "deployment", label: "Deployment", about: "The newest build, and its switch" },
  { value: "init", label: "Init", about: "What starts and watches its processes" },
  { value: "proxy", label: "Proxy", about: "Each request, and how it was answered" },
];
/** Those that there are. */
const logsOf = ({ hasDeployment }: Which) => WHICH.filter(({ value }) => hasDeployment || value !== "deployment");

/** Which of the instance's logs is shown. What each holds is said where one points: there is no room for a second line. */
export function WhichLog({ which }: { which: Which }) {
  return (
    <SegmentedControl
      className={css.which ?? ""}
      aria-label="Which log"
      value={which.value}
      onChange={which.choose}
      data={logsOf(which).map(({ value, label, about }) => ({
        value,
        label: (
          <Tooltip label={about} position="bottom">
            <span className={css.source}>{label}</span>
          </Tooltip>
        ),
      }))}
    />
  );
}

type FilterProps = LevelsProps & {
  which?: Which;
  minutes: string;
  onMinutes: (minutes: string) => void;
  isOnly: boolean;
  onOnly: (on: boolean) => void;
  isWrapped: boolean;
  onWrapped: (on: boolean) => void;
};

/** On a phone, everything that chooses what is shown is behind one icon. */
export function PhoneFilter(props: FilterProps) {
  const isPhone = usePhone();
  const check = (on: boolean) =>
    on ? <IconCheck size={15} stroke={1.75} aria-hidden /> : <span className={css.gap} />;
  if (!isPhone) return null;
  return (
    <Menu
      position="bottom-end"
      width={280}
      closeOnItemClick={false}
      // It is longer than what stands below its button on a small phone: then it scrolls.
      middlewares={{ flip: false, shift: true, size: { padding: 8 } }}
    >
      <Menu.Target>
        <ActionIcon className={css.tool ?? ""} variant="default" aria-label="What is shown">
          <IconFilter size={17} stroke={1.75} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown className={css.shown ?? ""}>
        {props.which && <Menu.Label>Log</Menu.Label>}
        {props.which &&
          logsOf(props.which).map(({ value, label, about }) => (
            <Menu.Item
              key={value}
              renderRoot={checkable("menuitemradio")}
              aria-checked={props.which?.value === value}
              leftSection={check(props.which?.value === value)}
              onClick={() => props.which?.choose(value)}
            >
              {label}
              <div className={css.second}>{about}</div>
            </Menu.Item>
          ))}
        <Menu.Label>Levels</Menu.Label>
        {LEVELS.map((level) => (
          <Menu.Item
            key={level}
            renderRoot={checkable("menuitemcheckbox")}
            aria-checked={!props.hidden.includes(level)}
            leftSection={check(!props.hidden.includes(level))}
            rightSection={<span className="numbers">{props.counts[level].toLocaleString("en")}</span>}
            onClick={() => props.onToggle(level)}
          >
            {WORDS[level].word}
          </Menu.Item>
        ))}
        <Menu.Label>Time</Menu.Label>
        {TIMES.map(({ value, label }) => (
          <Menu.Item
            key={value}
            renderRoot={checkable("menuitemradio")}
            aria-checked={props.minutes === value}
            leftSection={check(props.minutes === value)}
            onClick={() => props.onMinutes(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item
          renderRoot={checkable("menuitemcheckbox")}
          aria-checked={props.isOnly}
          leftSection={check(props.isOnly)}
          onClick={() => props.onOnly(!props.isOnly)}
        >
          Only what is found
        </Menu.Item>
        <Menu.Item
          renderRoot={checkable("menuitemcheckbox")}
          aria-checked={props.isWrapped}
          leftSection={check(props.isWrapped)}
          onClick={() => props.onWrapped(!props.isWrapped)}
        >
          Wrap long lines
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
