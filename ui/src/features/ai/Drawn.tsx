import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Evidence } from "@/api/generated";
import css from "./ai.module.css";
import type { Block, Inline } from "./answer";

export type Part = Block | { kind: "evidence"; lines: Evidence[] };

/** The lines stand behind what happened: before the second heading. */
export function blocksWithEvidence(blocks: Block[], evidence: Map<number, Evidence>): Part[] {
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
