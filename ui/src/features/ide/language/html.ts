// By itself: Markdown has this one within it.
import { html } from "@codemirror/lang-html";

export const support = () => html();
