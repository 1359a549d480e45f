// What a merge would do: commits, files, conflicts by file and line, and what will be deployed.

import {
  IconBan,
  IconCircleCheckFilled,
  IconCircleXFilled,
  IconFileText,
  IconGitMerge,
  IconLoader2,
  IconRocket,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { ChangedFile, MergeConflict, MergePreview } from "@/api/generated";
import { Cut, Note, PersonAvatar, ShortCommit } from "@/kit";
import css from "./merge.module.css";
import type { Preview } from "./merging";

const BRIEF = { commits: 3, files: 3, conflicts: 3 };
const WHOLE = { commits: 50, files: 300, conflicts: 300 };

export const count = (number: number, one: string, many = `${one}s`) =>
  `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

const verdict = ({ status, conflict_count }: MergePreview) =>
  status === "up_to_date"
    ? "Nothing to merge"
    : status === "clean"
      ? "No conflicts"
      : `Conflicts in ${count(conflict_count, "file")}`;

/** The same in one sentence, for who doesn't see it. */
export function sayMerge(source: string, target: string, { data, problem }: Preview): string {
  if (problem) return problem.detail;
  if (!data) return "";
  const files = `${count(data.commit_count, "commit")}, ${count(data.file_count, "file")}`;
  return `Merge ${source} into ${target}: ${files}. ${verdict(data)}. Enter reviews.`;
}

type Props = {
  source: string;
  target: string;
  preview: Preview;
  brief?: boolean;
  /** Where a commit is shown whole, with what it changes. */
  addressOf?: (commit: string) => string;
  /** A file with its lines; by its name alone where nothing is given. */
  shown?: (file: ChangedFile, name: ReactNode) => ReactNode;
};

export function MergeSummary({ source, target, preview, brief, addressOf, shown }: Props) {
  const { data, problem, isAsking } = preview;
  const most = brief ? BRIEF : WHOLE;
  return (
    <div className={css.summary}>
      <div className={css.top}>
        {brief && (
          <h3 className={css.title}>
            <IconGitMerge size={16} stroke={1.75} className={css.mark ?? ""} aria-hidden />
            <Cut text={`Merge ${source} into ${target}`} />
          </h3>
        )}
        {data && (
          <p className={`${css.counts} numbers`}>
            <span>{count(data.commit_count, "commit")}</span>
            <span>{count(data.file_count, "file")}</span>
            <Lines added={data.added} removed={data.removed} />
            <span className={css.verdict} data-tone={data.status === "conflicts" ? "bad" : "good"}>
              {data.status === "conflicts" ? (
                <IconCircleXFilled size={14} aria-hidden />
              ) : (
                <IconCircleCheckFilled size={14} aria-hidden />
              )}
              {verdict(data)}
            </span>
          </p>
        )}
        {isAsking && !problem && (
          <p className={css.counts}>
            <IconLoader2 size={15} className="turning" aria-hidden /> Comparing the branches
          </p>
        )}
        {problem && <Note tone="bad">{problem.detail}</Note>}
      </div>
      {data && data.status === "up_to_date" && (
        <p className={css.plain}>
          {target} has all commits of {source} already.
        </p>
      )}
      {data && data.conflicts.length > 0 && (
        <section aria-label="Conflicts">
          {!brief && <h3 className={css.of}>Conflicts</h3>}
          <ul>
            {data.conflicts.slice(0, most.conflicts).map((conflict) => (
              <li key={conflict.path} className={css.conflict}>
                <span className={css.file}>
                  <IconFileText size={15} stroke={1.75} className={css.icon ?? ""} aria-hidden />
                  <Cut text={conflict.path} />
                </span>
                <span className={css.where}>{where(conflict)}</span>
                {!brief && <span className={css.why}>{conflict.detail}</span>}
              </li>
            ))}
          </ul>
          <Rest of={data.conflict_count} shown={most.conflicts} word="file" />
        </section>
      )}
      {data && data.commits.length > 0 && (
        <section aria-label="Commits">
          {!brief && <h3 className={css.of}>Commits</h3>}
          <ul>
            {data.commits.slice(0, most.commits).map((commit) => (
              <li key={commit.id}>
                <ShortCommit commit={commit.id} />
                {addressOf ? (
                  <a
                    href={addressOf(commit.id)}
                    target="_blank"
                    rel="noopener"
                    className={css.subject}
                    title="What it changes, in a new tab"
                  >
                    <Cut text={commit.subject} />
                  </a>
                ) : (
                  <Cut text={commit.subject} className={css.subject ?? ""} />
                )}
                <span title={commit.author_name}>
                  <PersonAvatar name={commit.author_name} size={20} />
                  <span className="visually-hidden">{commit.author_name}</span>
                </span>
              </li>
            ))}
          </ul>
          <Rest of={data.commit_count} shown={most.commits} word="commit" />
        </section>
      )}
      {data && data.files.length > 0 && (
        <section aria-label="Files">
          {!brief && <h3 className={css.of}>Files</h3>}
          <ul>
            {data.files.slice(0, most.files).map((file) => (
              <li key={file.path} className={shown ? css.ofFile : undefined}>
                {shown?.(file, <FileName file={file} />) ?? (
                  <>
                    <IconFileText size={15} stroke={1.75} className={css.icon ?? ""} aria-hidden />
                    <FileName file={file} />
                  </>
                )}
              </li>
            ))}
          </ul>
          <Rest of={data.file_count} shown={most.files} word="file" />
        </section>
      )}
      {data && data.status !== "up_to_date" && (
        <p className={css.deploys}>
          {data.status === "conflicts" ? (
            <IconBan size={15} stroke={1.75} aria-hidden />
          ) : (
            <IconRocket size={15} stroke={1.75} aria-hidden />
          )}
          <span>
            {data.status === "conflicts" ? (
              "Nothing can be merged before the conflicts are resolved."
            ) : (
              <Deploys {...data} />
            )}
          </span>
        </p>
      )}
    </div>
  );
}

function FileName({ file }: { file: ChangedFile }) {
  return (
    <>
      <Cut text={file.from ? `${file.from} → ${file.path}` : file.path} className={css.path ?? ""} />
      {file.added === null || file.added === undefined ? (
        <span className={css.kind}>{file.form === "file" ? "binary" : file.form}</span>
      ) : (
        <span className={`${css.kind} numbers`}>
          <Lines added={file.added} removed={file.removed ?? 0} />
        </span>
      )}
    </>
  );
}

function Deploys({ deploys, target }: MergePreview) {
  if (deploys.length === 0) return <>No instance deploys {target.branch}.</>;
  return (
    <>
      Deploys{" "}
      {deploys.map(({ id, name, server }, index) => (
        <span key={id}>
          {index > 0 && (index === deploys.length - 1 ? " and " : ", ")}
          <strong>{name}</strong>
          {server && ` on ${server}`}
        </span>
      ))}
    </>
  );
}

export function Lines({ added, removed }: { added: number; removed: number }) {
  return (
    <>
      <span className={css.added}>
        +{added.toLocaleString("en")}
        <span className="visually-hidden"> lines added</span>
      </span>{" "}
      <span className={css.removed}>
        −{removed.toLocaleString("en")}
        <span className="visually-hidden"> lines removed</span>
      </span>
    </>
  );
}

function Rest({ of, shown, word }: { of: number; shown: number; word: string }) {
  return of > shown ? <p className={css.rest}>and {count(of - shown, `more ${word}`)}</p> : null;
}

function where({ lines }: MergeConflict): string {
  if (lines.length === 0) return "";
  const told = lines
    .slice(0, 4)
    .map(({ from, to }) => (to < from ? `before ${from}` : to === from ? `${from}` : `${from}–${to}`));
  const rest = lines.length > 4 ? ", …" : "";
  return `${lines.length === 1 && lines[0]?.from === lines[0]?.to ? "line" : "lines"} ${told.join(", ")}${rest}`;
}
