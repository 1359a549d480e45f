import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  codeFolding,
  foldGutter,
  foldKeymap,
  getIndentUnit,
  indentOnInput,
  indentUnit,
} from "@codemirror/language";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Text, Transaction } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import { between, type Lines, linesOf } from "./edited";
import { nameOf } from "./files";
import { findBar } from "./findBar";
import bars from "./findBar.module.css";
import css from "./ide.module.css";
import { languageOf } from "./languages";
import { look } from "./look";
import type { Document } from "./useDocuments";

/** Loaded with this: both are made of the same. */
export { default as Difference } from "./Difference";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="stoa-nonce"]')?.content ?? "";

export type Where = {
  path: string;
  line: number;
  column: number;
  unit: string;
  /** Those that are selected. */
  lines: Lines | null;
};

type Props = {
  document: Document;
  onChange: (path: string, more: Partial<Document>) => void;
  onKeep: (path: string, state: EditorState) => void;
  onSave: (path: string, text: string) => void;
  onWhere: (where: Where) => void;
};

const language = new Compartment();
const comparison = new Compartment();

/** How a text is indented, by its first indented line. */
function unitOf(text: string): string {
  const found = /^(\t|\x20{2,8})\S/m.exec(text)?.[1];
  return found === undefined ? "    " : found;
}

/** The editor of one file. What it holds stays with the file when another is looked at. */
export default function Editor({ document: file, onChange, onKeep, onSave, onWhere }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const shown = useRef<string | null>(null);
  const tell = useRef({ onChange, onKeep, onSave, onWhere, file });
  tell.current = { onChange, onKeep, onSave, onWhere, file };

  useEffect(() => {
    if (!place.current) return;
    // With the nonce from the first: even what is empty brings styles.
    const state = EditorState.create({ extensions: [EditorView.cspNonce.of(nonce)] });
    const editor = new EditorView({ parent: place.current, state });
    view.current = editor;
    tells.set(editor, tell);
    return () => {
      // What was typed last stays with its file.
      if (shown.current) tell.current.onKeep(shown.current, editor.state);
      shown.current = null;
      view.current = null;
      editor.destroy();
    };
  }, []);

  // Another file, or the same loaded anew.
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const isSame = shown.current === file.path;
    if (isSame && file.state !== null) return;
    if (shown.current && !isSame) tell.current.onKeep(shown.current, editor.state);
    shown.current = file.path;
    if (file.state) editor.setState(file.state);
    else {
      const state = begin(file);
      editor.setState(state);
      tell.current.onChange(file.path, { state, saved: state.doc });
    }
    const load = languageOf(nameOf(file.path));
    const path = file.path;
    if (load)
      void load().then((found) => {
        if (shown.current === path) view.current?.dispatch({ effects: language.reconfigure(found) });
      });
  }, [file]);

  useEffect(() => {
    if (file.line === null || !view.current || shown.current !== file.path) return;
    const editor = view.current;
    const line = editor.state.doc.line(Math.min(Math.max(1, file.line), editor.state.doc.lines));
    editor.dispatch({
      selection: { anchor: line.from },
      effects: EditorView.scrollIntoView(line.from, { y: "center" }),
    });
    editor.focus();
    tell.current.onChange(file.path, { line: null });
  }, [file]);

  // An accepted edit is one step of the text, which can be undone like any other.
  useEffect(() => {
    const editor = view.current;
    if (file.edit === null || !editor || shown.current !== file.path) return;
    const { from, to, text } = file.edit;
    const { doc } = editor.state;
    const first = doc.line(Math.min(from, doc.lines));
    editor.dispatch({
      changes: { from: first.from, to: doc.line(Math.min(to, doc.lines)).to, insert: asText(text) },
      effects: EditorView.scrollIntoView(first.from, { y: "center" }),
      userEvent: "input.accept",
    });
    tell.current.onChange(file.path, { edit: null });
  }, [file]);

  // What it has become elsewhere: where one looks stays where it is, and undoing leads to what one did oneself.
  useEffect(() => {
    const editor = view.current;
    if (file.fresh === null || !editor || shown.current !== file.path) return;
    // Something was typed in this very moment: which of both it is to be isn't ours to say.
    if (file.saved && !editor.state.doc.eq(file.saved))
      return tell.current.onChange(file.path, { fresh: null, isStale: true });
    const doc = asText(file.fresh);
    const [old, now] = [editor.state.doc.toString(), doc.toString()];
    editor.dispatch({ changes: between(old, now), annotations: Transaction.addToHistory.of(false) });
    tell.current.onChange(file.path, { fresh: null, saved: doc, isDirty: false });
  }, [file]);

  useEffect(() => {
    const compared =
      file.original === undefined
        ? []
        : unifiedMergeView({ original: file.original ?? "", mergeControls: false, gutter: true });
    view.current?.dispatch({ effects: comparison.reconfigure(compared) });
  }, [file.original]);

  return <div ref={place} className={`${css.editor} ${bars.bars}`} />;
}

type Tell = { current: Omit<Props, "document"> & { file: Document } };

/** Whom an editor tells. A state outlives the editor that it was begun in, and may have another path by then. */
const tells = new WeakMap<EditorView, Tell>();

function begin(file: Document): EditorState {
  const unit = unitOf(file.text);
  return EditorState.create({
    doc: file.text,
    extensions: [
      EditorView.cspNonce.of(nonce),
      // A file keeps the line ends that it has.
      ...(file.text.includes("\r\n") ? [EditorState.lineSeparator.of("\r\n")] : []),
      indentUnit.of(unit),
      EditorState.tabSize.of(unit === "\t" ? 4 : unit.length),
      lineNumbers(),
      foldGutter(),
      codeFolding(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion(),
      highlightSelectionMatches(),
      findBar,
      EditorState.allowMultipleSelections.of(true),
      keymap.of([
        {
          key: "Mod-s",
          preventDefault: true,
          run: (editor) => {
            const tell = tells.get(editor)?.current;
            tell?.onSave(tell.file.path, editor.state.sliceDoc());
            return true;
          },
        },
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...foldKeymap,
        ...completionKeymap,
        // Escape, then Tab, leaves the editor by keyboard.
        indentWithTab,
      ]),
      language.of([]),
      comparison.of([]),
      look,
      EditorView.contentAttributes.of((editor) => ({
        "aria-label": tells.get(editor)?.current.file.path ?? file.path,
        "aria-description": "Escape, then Tab, leaves the editor.",
        spellcheck: "false",
        tabindex: "0",
      })),
      EditorView.updateListener.of((update) => {
        const tell = tells.get(update.view)?.current;
        if (!tell) return;
        const { file: now, onChange, onKeep, onWhere } = tell;
        if (update.docChanged) onKeep(now.path, update.state);
        if (update.docChanged && now.saved) {
          const isDirty = !update.state.doc.eq(now.saved);
          if (isDirty !== now.isDirty) onChange(now.path, { isDirty });
        }
        if (update.docChanged || update.selectionSet || update.focusChanged) {
          const { main } = update.state.selection;
          const { head } = main;
          const line = update.state.doc.lineAt(head);
          const indent = update.state.facet(indentUnit) === "\t" ? "Tabs" : `Spaces: ${getIndentUnit(update.state)}`;
          const lines = linesOf(main, (at) => update.state.doc.lineAt(at));
          onWhere({ path: now.path, line: line.number, column: head - line.from + 1, unit: indent, lines });
        }
      }),
    ],
  });
}

/** The text as it is told whether it differs from. */
export const asText = (text: string): Text => Text.of(text.split(/\r\n|\r|\n/));
