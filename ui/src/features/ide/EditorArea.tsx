import { ActionIcon, Button } from "@mantine/core";
import {
  IconCode,
  IconDeviceFloppy,
  IconDownload,
  IconFile,
  IconFileDiff,
  IconSparkles,
  IconX,
} from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useState } from "react";
import { type Problem, problemOf } from "@/api/problem";
import { ConfirmDialog, DisabledReason, Empty, Note, State, useCurrentInSight } from "@/kit";
import type { Where } from "./Editor";
import { folderOf, nameOf } from "./files";
import css from "./ide.module.css";
import { Editor } from "./later";
import { type Letter, letterAt } from "./letters";
import look from "./strip.module.css";
import type { Document, Documents } from "./useDocuments";

type Props = {
  documents: Documents;
  active: string | undefined;
  letters: ReadonlyMap<string, Letter>;
  branch: string;
  formats: boolean;
  onShow: (path: string | undefined) => void;
  onCompare: (path: string) => void;
  onWhere: (where: Where) => void;
  onProblem: (problem: Problem | null) => void;
  onDownload: (path: string) => void;
  /** Where there is a provider: opens and closes the assistant. */
  onAssist: (() => void) | null;
  isAssisted: boolean;
};

/** The open files as tabs, and the one that is looked at. */
export function EditorArea(props: Props) {
  const { documents, active, letters } = props;
  // Wider than its room once many are open: one that was opened just now stands in sight too.
  const strip = useCurrentInSight<HTMLUListElement>(`${documents.tabs.length} ${active}`);
  const [closing, setClosing] = useState<string | null>(null);
  const document = active === undefined ? undefined : documents.find(active);
  const leave = (path: string) => {
    const at = documents.tabs.indexOf(path);
    const next = documents.tabs[at + 1] ?? documents.tabs[at - 1];
    documents.close(path);
    if (path === active) props.onShow(next);
  };
  const close = (path: string) => (documents.find(path)?.isDirty ? setClosing(path) : leave(path));
  const save = async (path: string, text: string, anyhow = false) => {
    props.onProblem(null);
    try {
      const written = await documents.save(path, text, props.formats, anyhow);
      const now = documents.find(path);
      if (written === null || !now?.state) return;
      const { asText } = await import("./Editor");
      // Written otherwise than it was typed: then that is what is shown from now on.
      const isSame = written === text;
      documents.change(path, {
        saved: asText(written),
        isDirty: false,
        ...(!isSame && { text: written, state: null }),
      });
    } catch (error) {
      props.onProblem(problemOf(error));
    }
  };
  const saveShown = (anyhow = false) => {
    if (document?.kind === "text") void save(document.path, document.state?.sliceDoc() ?? document.text, anyhow);
  };
  // The editor hears its own; elsewhere on the page the same keys mean the same file.
  useEffect(() => {
    const hear = (event: globalThis.KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s" || event.defaultPrevented) return;
      event.preventDefault();
      if (document?.isDirty) saveShown();
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  });
  const onKeyDown = (event: KeyboardEvent, path: string) => {
    const at = documents.tabs.indexOf(path);
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const to = documents.tabs[at + step];
    if (event.key === "Delete") close(path);
    else if (step !== 0 && to) {
      props.onShow(to);
      (
        event.currentTarget.parentElement?.parentElement?.children[at + step]?.firstElementChild as HTMLElement
      )?.focus();
    } else return;
    event.preventDefault();
  };
  const folder = active ? folderOf(active) : "";
  return (
    <section className={css.area} aria-label="Editor">
      <div className={look.strip}>
        <ul ref={strip} className={look.tabs} aria-label="Open files">
          {documents.tabs.map((path) => {
            const one = documents.find(path);
            return (
              <li
                key={path}
                className={look.tab}
                data-current={path === active || undefined}
                data-letter={letterAt(letters, path)}
              >
                <button
                  type="button"
                  aria-current={path === active ? "page" : undefined}
                  title={path}
                  onClick={() => props.onShow(path)}
                  onKeyDown={(event) => onKeyDown(event, path)}
                >
                  <IconFile size={14} stroke={1.75} aria-hidden />
                  <span className={look.tabName}>{nameOf(path)}</span>
                  {one?.isDirty && <span className={look.dirty} role="img" aria-label="Not saved" />}
                </button>
                <ActionIcon size={24} aria-label={`Close ${path}`} onClick={() => close(path)}>
                  <IconX size={13} stroke={1.75} aria-hidden />
                </ActionIcon>
              </li>
            );
          })}
        </ul>
        {document?.kind === "text" && active && (
          <>
            <span className={look.crumbs}>
              <span />
              <span>
                {folder && `${folder.replaceAll("/", " / ")} / `}
                {nameOf(active)}
              </span>
            </span>
            <DisabledReason reason={document.isDirty ? null : "Nothing has changed since it was saved."}>
              <Button
                className={look.tool ?? ""}
                size="xs"
                title={document.isDirty ? "Save" : undefined}
                variant={document.isDirty ? "default" : "subtle"}
                leftSection={<IconDeviceFloppy size={14} stroke={1.75} aria-hidden />}
                loading={document.isSaving}
                aria-disabled={document.isDirty ? undefined : true}
                data-disabled={document.isDirty ? undefined : true}
                aria-keyshortcuts="Control+S"
                onClick={() => document.isDirty && saveShown()}
              >
                <span className={look.word}>Save</span>
              </Button>
            </DisabledReason>
            <Button
              className={look.tool ?? ""}
              size="xs"
              title={`Compare with ${props.branch}`}
              variant={document.original === undefined ? "subtle" : "default"}
              aria-pressed={document.original !== undefined}
              leftSection={<IconFileDiff size={14} stroke={1.75} aria-hidden />}
              onClick={() => props.onCompare(active)}
            >
              <span className={look.word}>Compare with {props.branch}</span>
            </Button>
            {props.onAssist && (
              <Button
                className={look.tool ?? ""}
                size="xs"
                title="Edit with AI"
                variant={props.isAssisted ? "default" : "subtle"}
                aria-expanded={props.isAssisted}
                leftSection={<IconSparkles size={14} stroke={1.75} aria-hidden />}
                onClick={props.onAssist}
              >
                <span className={look.word}>Edit with AI</span>
              </Button>
            )}
          </>
        )}
      </div>
      {document?.isStale && (
        <div className={css.stale} role="alert">
          <Note tone="warn">
            {nameOf(document.path)} was changed elsewhere since you opened it, in a terminal perhaps. Your text isn't
            saved.
          </Note>
          <Button size="xs" onClick={() => void documents.load(document.path)}>
            Take the other
          </Button>
          <Button size="xs" onClick={() => saveShown(true)}>
            Save mine
          </Button>
        </div>
      )}
      <Content {...props} document={document} onSave={(path, text) => void save(path, text)} />
      <ConfirmDialog
        opened={closing !== null}
        onClose={() => setClosing(null)}
        title="Close without saving"
        cancel="Keep editing"
        action="Close without saving"
        onConfirm={() => {
          if (closing) leave(closing);
          setClosing(null);
        }}
      >
        What you changed in {nameOf(closing ?? "")} isn't saved.
      </ConfirmDialog>
    </section>
  );
}

function Content(props: Props & { document: Document | undefined; onSave: (path: string, text: string) => void }) {
  const { document, documents } = props;
  if (!document)
    return (
      <Empty icon={IconCode} title="No file is open" inline>
        Choose one on the left. What you change is yours alone until you push it.
      </Empty>
    );
  if (document.kind === "loading") return <div className={css.editor} role="status" aria-label="Loading" />;
  if (document.kind === "failed")
    return (
      <State icon={IconFile} title="This can't be opened" inline>
        {document.detail}
      </State>
    );
  if (document.kind !== "text")
    return (
      <State
        icon={IconFile}
        title={document.kind === "large" ? "Too large for the editor" : "Not a text"}
        inline
        actions={
          <Button
            leftSection={<IconDownload size={15} stroke={1.75} />}
            onClick={() => props.onDownload(document.path)}
          >
            Download
          </Button>
        }
      >
        {document.kind === "large"
          ? "The editor opens files of up to 5 MB."
          : "The editor opens text in UTF-8. This file is something else."}
      </State>
    );
  return (
    <Editor
      document={document}
      onChange={documents.change}
      onKeep={documents.keep}
      onSave={props.onSave}
      onWhere={props.onWhere}
    />
  );
}
