// By itself: other languages have this one within them.
import { css } from "@codemirror/lang-css";

export const support = () => css();
