// How the editor looks: the page's own tokens, in both schemes.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const frame = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "12.5px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: '"JetBrains Mono Variable", ui-monospace, monospace',
    fontVariantLigatures: "none",
    lineHeight: "20px",
  },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text3)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 14px 0 18px", minWidth: "42px" },
  ".cm-activeLine": { backgroundColor: "var(--row)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--row)", color: "var(--text)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--brand-tint-strong)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--brand-tint)" },
  ".cm-matchingBracket": { backgroundColor: "var(--brand-tint-strong)", outline: "none" },
  ".cm-searchMatch": { backgroundColor: "var(--found)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line2)",
    borderRadius: "6px",
    boxShadow: "var(--shadow-float)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--brand-tint-strong)",
    color: "var(--text)",
  },
  "&.cm-editor.cm-merge-b .cm-changedLine": { backgroundColor: "var(--good-ground)" },
  "&.cm-editor.cm-merge-b .cm-changedText": {
    background: "none",
    textDecoration: "underline",
    textDecorationColor: "var(--good)",
  },
  // Its own look is a grey of neither scheme, with a sign that the page's letters don't have.
  "&.cm-editor .cm-collapsedLines": {
    padding: "3px 12px",
    borderBlock: "1px solid var(--line)",
    background: "var(--sunken)",
    color: "var(--text2)",
  },
  "&.cm-editor .cm-collapsedLines:before": { content: '"Show "', margin: "0" },
  "&.cm-editor .cm-collapsedLines:after": { content: '""', margin: "0" },
  ".cm-deletedChunk": { backgroundColor: "var(--bad-ground)" },
  ".cm-deletedText": { background: "none" },
  ".cm-deletedChunk .cm-deletedLine, .cm-deletedChunk del": { textDecoration: "none" },
  ".cm-changeGutter": { width: "3px" },
  ".cm-changedLineGutter": { backgroundColor: "var(--warn)" },
  ".cm-deletedLineGutter": { backgroundColor: "var(--bad)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--hover)", border: "none", color: "var(--text2)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.attributeValue], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment, tags.meta], color: "var(--text3)" },
  {
    tag: [
      tags.function(tags.variableName),
      tags.function(tags.propertyName),
      tags.definition(tags.function(tags.variableName)),
    ],
    color: "var(--code-function)",
  },
  { tag: [tags.className, tags.typeName, tags.namespace], color: "var(--code-type)" },
  { tag: [tags.tagName, tags.heading], color: "var(--code-function)" },
  { tag: [tags.propertyName, tags.attributeName], color: "var(--code-type)" },
  { tag: tags.heading, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.link, color: "var(--brand-text)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

export const look = [frame, syntaxHighlighting(colours)];
