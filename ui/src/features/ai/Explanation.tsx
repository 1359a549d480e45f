import { useEffect, useRef } from "react";
import { type Evidence, type ExplainWish, type ExplanationPart, getExplainLogUrl } from "@/api/generated";
import { AnswerPanel } from "./AnswerPanel";
import { blocks } from "./answer";
import { blocksWithEvidence, Drawn } from "./Drawn";
import { type Answer, isUnderWay, type Reads, useAnswer } from "./useAnswer";

type Props = {
  workspace: string;
  instance: string;
  wish: ExplainWish;
  /** How often it was asked for: what was added to the log since the last time is read then too. */
  turn: number;
  /** The number that the log beside it gives a line; without one it is the answer's own. */
  numberOf?: (position: string) => number | undefined;
  /** Told of where the lines stand in the log that the model rests on, so that they are marked there. */
  onEvidence: (positions: Set<string>) => void;
  onClose: () => void;
};

/** The lines that the words name, and how many the provider was shown. */
type Found = { evidence: Map<number, Evidence>; lines: number | null; of: number };

const READS: Reads<ExplanationPart, Found> = {
  nothing: { evidence: new Map(), lines: null, of: 0 },
  take: (found, { reading, evidence }) => ({
    lines: reading?.lines ?? found.lines,
    of: reading?.of ?? found.of,
    evidence: evidence ? new Map(found.evidence).set(evidence.line, evidence) : found.evidence,
  }),
};

/** What a model says of a deployment or a stretch of log, beside the log and never over it. */
export function Explanation({ workspace, instance, wish, turn, numberOf, onEvidence, onClose }: Props) {
  const answer = useAnswer(getExplainLogUrl(workspace, instance), wish, READS);
  const { evidence, lines, of } = answer.found;
  const turned = useRef(turn);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another turn asks, and nothing else does
  useEffect(() => {
    if (turned.current === turn) return;
    turned.current = turn;
    // What is on its way already is waited for.
    if (!isUnderWay(answer)) answer.again();
  }, [turn]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is told when a line comes or all of them go
  useEffect(() => {
    onEvidence(new Set([...evidence.values()].map(({ position }) => position)));
    return () => onEvidence(new Set());
  }, [evidence]);
  const shown = (one: Evidence) => numberOf?.(one.position) ?? one.line;
  return (
    <AnswerPanel
      answer={answer}
      turn={turn}
      title="Explanation"
      isAside
      again="Explain again"
      busy={busy(answer)}
      said={
        lines === null
          ? "Nothing was changed."
          : `By AI from ${linesOf(lines, of)}. It can be wrong; nothing was changed.`
      }
      onClose={onClose}
    >
      {blocksWithEvidence(blocks(answer.text), evidence).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an answer only grows at its end
        <Drawn key={index} block={block} evidence={evidence} shown={shown} />
      ))}
    </AnswerPanel>
  );
}

function linesOf(lines: number, of: number): string {
  if (of > lines) return `${lines.toLocaleString("en")} of ${of.toLocaleString("en")} log lines`;
  return lines === 1 ? "1 log line" : `${lines.toLocaleString("en")} log lines`;
}

function busy({ state, found: { lines } }: Answer<Found>): string {
  if (state === "telling") return "Explaining";
  if (lines === null) return "Reading the log";
  return lines === 1 ? "Reading 1 line" : `Reading ${lines.toLocaleString("en")} lines`;
}
