// The files that are open: what is in them, what was saved, and which is looked at.

import type { EditorState, Text } from "@codemirror/state";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Edited } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { nameOf, openFile, openOriginal, type Place, tagOf, textOf, writeFile } from "./files";
import { editsOf, leaveEdits, useEditsKey } from "./heldEdits";
import { tidied } from "./tidy";

export type Document = {
  path: string;
  /** `text` has one; the others are only told of. */
  kind: "loading" | "text" | "binary" | "large" | "failed";
  detail: string;
  text: string;
  etag: string | null;
  /** The editor's own, once it was shown. */
  state: EditorState | null;
  saved: Text | null;
  isDirty: boolean;
  isSaving: boolean;
  /** Changed elsewhere since it was opened. */
  isStale: boolean;
  /** What the branch has, where it is compared with it; null where the branch has no such file. */
  original: string | null | undefined;
  /** Where to go once it is shown. */
  line: number | null;
  /** An edit that was accepted: it stands in the text once the file is shown. */
  edit: Edited | null;
  /** What the file has become elsewhere, until the editor shows it. */
  fresh: string | null;
};

const KEPT = (place: Place) => `stoa-ide:${place.workspace}/${place.instance}`;

function remembered(place: Place): string[] {
  try {
    const paths: unknown = JSON.parse(sessionStorage.getItem(KEPT(place)) ?? "[]");
    return Array.isArray(paths) ? paths.filter((path): path is string => typeof path === "string") : [];
  } catch {
    return [];
  }
}

const begun = (path: string): Document => ({
  path,
  kind: "loading",
  detail: "",
  text: "",
  etag: null,
  state: null,
  saved: null,
  isDirty: false,
  isSaving: false,
  isStale: false,
  original: undefined,
  line: null,
  edit: null,
  fresh: null,
});

export type Documents = ReturnType<typeof useDocuments>;

export function useDocuments(place: Place, onSaved: () => void) {
  const key = useEditsKey(place.instance);
  // What wasn't saved when the IDE was closed to its member stands in it again.
  const kept = useRef<Map<string, Document>>(editsOf(key));
  useEffect(() => () => leaveEdits(key), [key]);
  const [tabs, setTabs] = useState<string[]>(() => [...new Set([...remembered(place), ...kept.current.keys()])]);
  const [, setTurn] = useState(0);
  const shown = useCallback(() => setTurn((turn) => turn + 1), []);
  const { workspace, instance } = place;

  const remember = useCallback(
    (paths: string[]) => {
      sessionStorage.setItem(KEPT({ workspace, instance }), JSON.stringify(paths));
      setTabs(paths);
    },
    [workspace, instance],
  );

  const change = useCallback(
    (path: string, more: Partial<Document>) => {
      const before = kept.current.get(path);
      if (!before) return;
      kept.current.set(path, { ...before, ...more });
      shown();
    },
    [shown],
  );

  /** What the editor holds, at each key: nothing has to be shown anew for it. */
  const keep = useCallback((path: string, state: EditorState) => {
    const document = kept.current.get(path);
    if (document) document.state = state;
  }, []);

  const load = useCallback(
    async (path: string) => {
      try {
        const { bytes, etag } = await openFile({ workspace, instance }, path);
        const text = bytes && textOf(bytes);
        const kind = bytes === null ? "large" : text === null ? "binary" : "text";
        change(path, { kind, text: text ?? "", etag, state: null, saved: null, isDirty: false, isStale: false });
      } catch (error) {
        change(path, { kind: "failed", detail: problemOf(error).detail });
      }
    },
    [workspace, instance, change],
  );

  /** Where a file has become another elsewhere, and nobody has typed in it, it is shown as it is now. */
  const follow = useCallback(
    async (path: string) => {
      const before = kept.current.get(path);
      if (before?.kind === "failed") return load(path);
      if (before?.kind !== "text" || before.isSaving) return;
      try {
        if ((await tagOf({ workspace, instance }, path)) === before.etag) return;
        const { bytes, etag } = await openFile({ workspace, instance }, path);
        const now = kept.current.get(path);
        if (!now || now.etag !== before.etag || now.isSaving) return;
        const text = bytes && textOf(bytes);
        // Moved, or written as it was: then what was typed is still about this.
        if (text === now.text) change(path, { etag });
        else if (now.isDirty) return;
        else if (text === null || !now.state || text.includes("\r\n") !== now.text.includes("\r\n")) await load(path);
        else change(path, { etag, text, fresh: text, isStale: false });
      } catch (error) {
        // Anything but that it is gone is told when something is done with the file.
        if (problemOf(error).status === 404 && !kept.current.get(path)?.isDirty) await load(path);
      }
    },
    [workspace, instance, change, load],
  );

  /** Opens one, or shows it again. */
  const open = useCallback(
    (path: string, line: number | null = null) => {
      setTabs((before) => {
        const paths = before.includes(path) ? before : [...before, path];
        sessionStorage.setItem(KEPT({ workspace, instance }), JSON.stringify(paths));
        return paths;
      });
      if (kept.current.has(path)) change(path, { line });
      else {
        kept.current.set(path, { ...begun(path), line });
        void load(path);
      }
    },
    [workspace, instance, change, load],
  );

  const close = useCallback(
    (path: string) => {
      kept.current.delete(path);
      remember(tabs.filter((other) => other !== path));
    },
    [remember, tabs],
  );

  /** Saves what the editor has. `anyhow` also where it was changed elsewhere. */
  const save = useCallback(
    async (path: string, text: string, formats: boolean, anyhow = false) => {
      const document = kept.current.get(path);
      if (document?.kind !== "text" || document.isSaving) return null;
      change(path, { isSaving: true });
      const whole = formats ? tidied(nameOf(path), text) : text;
      try {
        const bytes = new TextEncoder().encode(whole) as Uint8Array<ArrayBuffer>;
        const etag = await writeFile({ workspace, instance }, path, bytes, anyhow ? {} : { etag: document.etag });
        change(path, { etag, text: whole, isSaving: false, isStale: false });
        onSaved();
        return whole;
      } catch (error) {
        const problem = problemOf(error);
        const isStale = problem.code === "precondition_failed";
        change(path, { isSaving: false, isStale, ...(!isStale && { detail: problem.detail }) });
        if (!isStale) throw problem;
        return null;
      }
    },
    [workspace, instance, change, onSaved],
  );

  /** Shows it beside what the branch has, or no more. */
  const compare = useCallback(
    async (path: string) => {
      if (kept.current.get(path)?.original !== undefined) return change(path, { original: undefined });
      try {
        change(path, { original: textOf(await openOriginal({ workspace, instance }, path)) ?? "" });
      } catch (error) {
        if (problemOf(error).code !== "not_found") throw error;
        change(path, { original: null });
      }
    },
    [workspace, instance, change],
  );

  /** Follows files that were moved, and forgets what was removed. */
  const moved = useCallback(
    (from: string, to: string | null) => {
      const next = (path: string) =>
        path === from ? to : path.startsWith(`${from}/`) ? (to === null ? null : to + path.slice(from.length)) : path;
      const paths: string[] = [];
      for (const path of tabs) {
        const now = next(path);
        const document = kept.current.get(path);
        if (now === path) paths.push(path);
        else {
          kept.current.delete(path);
          if (now !== null) {
            paths.push(now);
            if (document) kept.current.set(now, { ...document, path: now });
            // A file that was moved has another tag.
            void follow(now);
          }
        }
      }
      remember(paths);
    },
    [remember, tabs, follow],
  );

  return {
    tabs,
    find: (path: string) => kept.current.get(path),
    /** Those that aren't saved. */
    dirty: [...kept.current.values()].filter((document) => document.isDirty).map(({ path }) => path),
    open,
    close,
    save,
    change,
    keep,
    load,
    follow,
    compare,
    moved,
  };
}
