// What differs in one file, line by line.

import type { ChangedFile, FileDifference, Hunk } from "@/api/generated";
import css from "./difference.module.css";

export const nameOf = ({ from, path }: Pick<ChangedFile, "from" | "path">) => (from ? `${from} → ${path}` : path);

export function FileLines({ file }: { file: FileDifference }) {
  const hasLines = file.added !== null && file.added !== undefined;
  return (
    <>
      {!hasLines && <p className={css.none}>It has no lines that could be compared.</p>}
      {file.hunks.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
        <section className={css.lines} aria-label={`Difference of ${nameOf(file)}`} tabIndex={0}>
          <table>
            <tbody>
              {file.hunks.map((hunk) => (
                <HunkLines key={`${hunk.old_start} ${hunk.new_start}`} hunk={hunk} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {file.is_cut && <p className={css.none}>There is more of it than is shown.</p>}
    </>
  );
}

const SIGNS: Record<string, { kind: string; word: string }> = {
  "+": { kind: "added", word: "added" },
  "-": { kind: "removed", word: "removed" },
};

function HunkLines({ hunk }: { hunk: Hunk }) {
  let before = hunk.old_start;
  let after = hunk.new_start;
  return (
    <>
      <tr className={css.head}>
        <td colSpan={3}>{hunk.old_start === 0 && hunk.old_lines === 0 ? "New" : `From line ${hunk.old_start}`}</td>
      </tr>
      {hunk.lines.map((line, index) => {
        const sign = line[0] ?? " ";
        const isNote = sign === "\\";
        const old = sign === "+" || isNote ? "" : before++;
        const now = sign === "-" || isNote ? "" : after++;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of a commit never move
          <tr key={index} data-kind={SIGNS[sign]?.kind}>
            <td className="numbers">{old}</td>
            <td className="numbers">{now}</td>
            <td>
              {SIGNS[sign] && <span className="visually-hidden">{SIGNS[sign].word}: </span>}
              <span aria-hidden>{isNote ? " " : sign}</span>
              {line.slice(1)}
            </td>
          </tr>
        );
      })}
    </>
  );
}
