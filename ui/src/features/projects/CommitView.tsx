import { IconArrowLeft, IconFileText } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type FileDifference, viewCommit } from "@/api/generated";
import type { Project } from "@/api/nouns";
import { useObject } from "@/api/queries";
import { CodeToCopy, Cut, Empty, Failed, LoadingRows, Panel, Person, ShortCommit, Time } from "@/kit";
import css from "./difference.module.css";
import { FileLines, nameOf } from "./FileLines";
import { count, Lines } from "./MergeSummary";

type Props = { workspace: string; project: Project; commit: string };

/** One commit: what it says, who made it, and what it changes. */
export function CommitView({ workspace, project, commit }: Props) {
  const found = useObject(workspace, "projects", `/projects/${project.id}/commits/${commit}`, (init) =>
    viewCommit(workspace, project.id, commit, init),
  );
  const back = (
    <Link
      to="."
      search={(({ commit: _, ...list }: object & { commit?: string }) => list) as never}
      className={css.back}
    >
      <IconArrowLeft size={15} stroke={1.75} aria-hidden /> All commits
    </Link>
  );
  if (found.error)
    return (
      <>
        {back}
        <Failed error={found.error} inline />
      </>
    );
  if (!found.data) return <LoadingRows rows={6} />;
  const { message, author_name, committer_name, at, parents, files, file_count, added, removed, subject } = found.data;
  const body = message.startsWith(subject) ? message.slice(subject.length).trim() : message;
  return (
    <div className={css.commit}>
      {back}
      <Panel padded>
        <h2>{subject || "No message"}</h2>
        {body && <pre className={css.message}>{body}</pre>}
        <p className={css.by}>
          <Person name={author_name} size={20} />
          {committer_name !== author_name && <span>by {committer_name}</span>}
          <Time at={at} />
          {parents.map((parent) => (
            <span key={parent}>
              {parents.length > 1 ? "merged from " : "after "}
              <Link to="." search={{ commit: parent } as never}>
                <ShortCommit commit={parent} />
              </Link>
            </span>
          ))}
        </p>
        <CodeToCopy text={commit} label="Copy the commit" />
      </Panel>
      <p className={`${css.counts} numbers`}>
        {count(file_count, "file")} <Lines added={added} removed={removed} />
        {parents.length > 1 && <span>against its first parent</span>}
      </p>
      {files.length === 0 && (
        <Panel>
          <Empty icon={IconFileText} title="It changes no file" inline>
            A commit may stand for a moment alone.
          </Empty>
        </Panel>
      )}
      {files.map((file) => (
        <FileView key={file.path} file={file} />
      ))}
      {file_count > files.length && <p className={css.rest}>and {count(file_count - files.length, "more file")}</p>}
    </div>
  );
}

const WORDS = { added: "added", changed: "", removed: "removed", renamed: "renamed" };

function FileView({ file }: { file: FileDifference }) {
  const name = nameOf(file);
  const hasLines = file.added !== null && file.added !== undefined;
  return (
    <section className={css.file} aria-label={name}>
      <div className={css.name}>
        <IconFileText size={15} stroke={1.75} aria-hidden />
        <Cut text={name} className={css.path ?? ""} />
        {WORDS[file.change] && <span className={css.word}>{WORDS[file.change]}</span>}
        {file.form !== "file" && <span className={css.word}>{file.form}</span>}
        {hasLines && (
          <span className={`${css.word} numbers`}>
            <Lines added={file.added ?? 0} removed={file.removed ?? 0} />
          </span>
        )}
      </div>
      <FileLines file={file} />
    </section>
  );
}
