import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import css from "./assistant.module.css";
import { nameOf } from "./files";
import { languageOf } from "./languages";
import { look } from "./look";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="stoa-nonce"]')?.content ?? "";

type Props = { path: string; before: string; after: string };

/** What a text would become: its lines that differ, with a few around them. It can be read and not changed. */
export default function Difference({ path, before, after }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const language = new Compartment();
    const state = EditorState.create({
      doc: after,
      extensions: [
        EditorView.cspNonce.of(nonce),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": `Difference of ${path}`,
          tabindex: "0",
          role: "textbox",
          "aria-multiline": "true",
          "aria-readonly": "true",
        }),
        unifiedMergeView({
          original: before,
          mergeControls: false,
          gutter: true,
          collapseUnchanged: { margin: 2, minSize: 4 },
        }),
        language.of([]),
        look,
      ],
    });
    const view = new EditorView({ parent: place.current, state });
    let isOver = false;
    void languageOf(nameOf(path))?.().then((found) => {
      if (!isOver) view.dispatch({ effects: language.reconfigure(found) });
    });
    return () => {
      isOver = true;
      view.destroy();
    };
  }, [path, before, after]);
  return <div ref={place} className={css.difference} />;
}
