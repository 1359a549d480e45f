import { gotoLine, openSearchPanel } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { expect, it } from "vitest";
import { findBar } from "./findBar";

it("speaks the page's words, of which none is CodeMirror's own", () => {
  const state = EditorState.create({ doc: "one\ntwo", extensions: findBar });
  const view = new EditorView({ state, parent: document.body });
  openSearchPanel(view);
  gotoLine(view);
  const words = [...view.dom.querySelectorAll(".cm-panel :is(button, label)")].map(
    (one) => one.getAttribute("aria-label") ?? one.textContent?.trim(),
  );
  expect(words).toEqual([
    "Next",
    "Previous",
    "Select all",
    "Match case",
    "Regular expression",
    "Whole words",
    "Replace",
    "Replace all",
    "Close",
    "Go to line:",
    "Go",
    "Close",
  ]);
  view.destroy();
});
