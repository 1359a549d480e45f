// The bar that finds and replaces in one file, in the words of the page. How it looks is in findBar.module.css.

import { search } from "@codemirror/search";
import { EditorState } from "@codemirror/state";

const WORDS = {
  next: "Next",
  previous: "Previous",
  all: "Select all",
  "match case": "Match case",
  regexp: "Regular expression",
  "by word": "Whole words",
  replace: "Replace",
  "replace all": "Replace all",
  close: "Close",
  go: "Go",
};

export const findBar = [search({ top: true }), EditorState.phrases.of(WORDS)];
