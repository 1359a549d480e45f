// By itself: other languages have this one within them.
import { javascript } from "@codemirror/lang-javascript";

export const support = (kinds: { jsx?: boolean; typescript?: boolean }) => javascript(kinds);
