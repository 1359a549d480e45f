import { ActionIcon, Button, CloseButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconInfoCircle, IconLoader2, IconPlayerStop, IconSparkles } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Evidence, type ExplainWish, getExplainLogUrl } from "@/api/generated";
import { copyText, Note } from "@/kit";
import css from "./ai.module.css";
import { type Block, blocks, type Inline, plainText } from "./answer";
import { type Explained, useExplanation } from "./useExplanation";

type Props = {
  workspace: string;
  instance: string;
  wish: ExplainWish;
  /** The number that the log beside it gives a line; without one it is the answer's own. */
  numberOf?: (position: string) => number | undefined;
  /** Told of where the lines stand in the log that the model rests on, so that they are marked there. */
  onEvidence: (positions: Set<string>) => void;
  onClose: () => void;
};

/** What a model says of a deployment or a stretch of log, beside the log and never over it. */
export function Explanation({ workspace, instance, wish, numberOf, onEvidence, onClose }: Props) {
  const { explained, stop, again } = useExplanation(getExplainLogUrl(workspace, instance), wish);
  const { state, text, evidence, lines, problem } = explained;
  const title = useId();
  const head = useRef<HTMLHeadingElement>(null);
  const isUnderWay = state === "reading" || state === "telling";
  // Whoever asked by keyboard goes on here.
  useEffect(() => head.current?.focus({ preventScroll: true }), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is told when a line comes or all of them go
  useEffect(() => {
    onEvidence(new Set([...evidence.values()].map(({ position }) => position)));
    return () => onEvidence(new Set());
  }, [evidence]);
  const shown = (one: Evidence) => numberOf?.(one.position) ?? one.line;
  return (
    <aside className={css.explanation} aria-labelledby={title}>
      <header>
        <IconSparkles size={17} stroke={1.75} aria-hidden />
        <h2 id={title} ref={head} tabIndex={-1}>
          Explanation
        </h2>
        {state === "done" && <Copy text={plainText(text)} />}
        <CloseButton aria-label="Close the explanation" onClick={onClose} />
      </header>
      <div className={css.told} aria-busy={isUnderWay}>
        {blocksWithEvidence(blocks(text), evidence).map((block, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an answer only grows at its end
          <Drawn key={index} block={block} evidence={evidence} shown={shown} />
        ))}
        {problem && (
          <Note tone="bad">
            {problem.detail}{" "}
            <Button variant="transparent" onClick={again}>
              Try again
            </Button>
          </Note>
        )}
        {state === "stopped" && (
          <p className={css.quiet}>
            Stopped.{" "}
            <Button variant="transparent" onClick={again}>
              Explain again
            </Button>
          </p>
        )}
      </div>
      <footer>
        {isUnderWay ? (
          <>
            <IconLoader2 size={15} className="turning" aria-hidden />
            <span role="status">{underWay(explained)}</span>
            <Button data-size="xs" leftSection={<IconPlayerStop size={15} stroke={1.75} aria-hidden />} onClick={stop}>
              Stop
            </Button>
          </>
        ) : (
          <>
            <IconInfoCircle size={15} stroke={1.75} aria-hidden />
            <span role="status">
              {lines === null || text === ""
                ? "Nothing was changed."
                : `By AI from ${lines === 1 ? "1 log line" : `${lines.toLocaleString("en")} log lines`}. It can be wrong; nothing was changed.`}
            </span>
          </>
        )}
      </footer>
    </aside>
  );
}

function underWay({ state, lines }: Explained): string {
  if (state === "telling") return "Explaining";
  if (lines === null) return "Reading the log";
  return lines === 1 ? "Reading 1 line" : `Reading ${lines.toLocaleString("en")} lines`;
}

type Part = Block | { kind: "evidence"; lines: Evidence[] };

/** The lines stand behind what happened: before the second heading. */
function blocksWithEvidence(blocks: Block[], evidence: Map<number, Evidence>): Part[] {
  if (evidence.size === 0) return blocks;
  const lines = [...evidence.values()].sort((one, other) => one.line - other.line);
  const headings = blocks.flatMap((block, index) => (block.kind === "heading" ? [index] : []));
  const at = headings[1] ?? blocks.length;
  return [...blocks.slice(0, at), { kind: "evidence", lines }, ...blocks.slice(at)];
}

type DrawnProps = { block: Part; evidence: Map<number, Evidence>; shown: (one: Evidence) => number };

export function Drawn({ block, evidence, shown }: DrawnProps): ReactNode {
  const parts = (all: Inline[]) => <Parts parts={all} evidence={evidence} shown={shown} />;
  if (block.kind === "heading") return <h3>{block.text}</h3>;
  if (block.kind === "code") return <pre>{block.text}</pre>;
  if (block.kind === "text") return <p>{parts(block.parts)}</p>;
  if (block.kind === "evidence")
    return (
      <>
        <h3>Evidence</h3>
        <ul className={css.evidence}>
          {block.lines.map((one) => (
            <li key={one.line}>
              <ToLine line={one}>
                <span className={css.number}>{shown(one)}</span> {one.text.trim()}
              </ToLine>
            </li>
          ))}
        </ul>
      </>
    );
  // biome-ignore lint/suspicious/noArrayIndexKey: an answer only grows at its end
  const items = block.items.map((item, index) => <li key={index}>{parts(item)}</li>);
  return block.isNumbered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

/** A line that the model wasn't shown is none, whatever it says: its number goes, and the blank before it. */
function known(parts: Inline[], evidence: Map<number, Evidence>): Inline[] {
  const kept: Inline[] = [];
  for (const part of parts) {
    if (part.kind !== "lines" || part.numbers.some((number) => evidence.has(number))) {
      kept.push(part);
      continue;
    }
    const last = kept.at(-1);
    if (last?.kind === "text") kept[kept.length - 1] = { ...last, text: last.text.trimEnd() };
  }
  return kept;
}

function Parts({ parts, evidence, shown }: Omit<DrawnProps, "block"> & { parts: Inline[] }): ReactNode {
  return known(parts, evidence).map((part, index) => {
    const key = index;
    if (part.kind === "text") return part.text;
    if (part.kind === "code") return <code key={key}>{part.text}</code>;
    if (part.kind === "strong") return <strong key={key}>{part.text}</strong>;
    return part.numbers.map((number) => {
      const line = evidence.get(number);
      return (
        line && (
          <ToLine key={`${key}-${number}`} line={line} className={css.cited}>
            <span className="visually-hidden">line </span>
            {shown(line)}
          </ToLine>
        )
      );
    });
  });
}

function ToLine(props: { line: Evidence; className?: string | undefined; children: ReactNode }) {
  return (
    <Link
      to="."
      search={true as never}
      hash={props.line.position}
      replace
      resetScroll={false}
      hashScrollIntoView={false}
      className={props.className}
      title={props.line.text}
    >
      {props.children}
    </Link>
  );
}

export function Copy({ text, what = "explanation" }: { text: string; what?: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [isDone, setDone] = useState<boolean | null>(null);
  const word = isDone === null ? `Copy the ${what}` : isDone ? "Copied" : "Selected: copy it with Ctrl C";
  const copy = async () => {
    if (shown.current) setDone(await copyText(shown.current));
  };
  return (
    <>
      <Tooltip label={word}>
        <ActionIcon size={28} aria-label={word} onClick={() => void copy()}>
          {isDone ? <IconCheck size={16} stroke={1.75} /> : <IconCopy size={16} stroke={1.75} />}
        </ActionIcon>
      </Tooltip>
      <pre ref={shown} className="visually-hidden">
        {text}
      </pre>
    </>
  );
}
