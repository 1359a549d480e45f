// The languages of the editor, each loaded with the first file of its kind.

import { type LanguageSupport, StreamLanguage, type StreamParser } from "@codemirror/language";

type Load = () => Promise<LanguageSupport | StreamLanguage<unknown>>;

const old = async (load: () => Promise<StreamParser<unknown>>) => StreamLanguage.define(await load());

const python: Load = async () => (await import("@codemirror/lang-python")).python();
const script =
  (kinds: { jsx?: boolean; typescript?: boolean }): Load =>
  async () =>
    (await import("./language/script")).support(kinds);
const html: Load = async () => (await import("./language/html")).support();
const css: Load = async () => (await import("./language/css")).support();
const json: Load = async () => (await import("@codemirror/lang-json")).json();
const markdown: Load = async () => (await import("@codemirror/lang-markdown")).markdown();
const yaml: Load = async () => (await import("@codemirror/lang-yaml")).yaml();
const xml: Load = async () => (await import("@codemirror/lang-xml")).xml();
const sql: Load = async () => (await import("@codemirror/lang-sql")).sql();
const shell: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/shell")).shell);
const toml: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/toml")).toml);
const properties: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/properties")).properties);
const docker: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile);
const ruby: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/ruby")).ruby);
const go: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/go")).go);
const rust: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/rust")).rust);
const clike =
  (kind: "c" | "cpp" | "java" | "csharp" | "kotlin"): Load =>
  () =>
    old(async () => (await import("@codemirror/legacy-modes/mode/clike"))[kind]);
const nginx: Load = () => old(async () => (await import("@codemirror/legacy-modes/mode/nginx")).nginx);

const BY_END: Record<string, Load> = {
  py: python,
  pyi: python,
  js: script({ jsx: true }),
  mjs: script({}),
  cjs: script({}),
  jsx: script({ jsx: true }),
  ts: script({ typescript: true }),
  tsx: script({ jsx: true, typescript: true }),
  html,
  htm: html,
  vue: html,
  svelte: html,
  css,
  scss: css,
  less: css,
  json,
  webmanifest: json,
  md: markdown,
  markdown,
  yml: yaml,
  yaml,
  xml,
  svg: xml,
  sql,
  sh: shell,
  bash: shell,
  toml,
  lock: toml,
  ini: properties,
  cfg: properties,
  conf: nginx,
  properties,
  rb: ruby,
  go,
  rs: rust,
  c: clike("c"),
  h: clike("c"),
  cpp: clike("cpp"),
  hpp: clike("cpp"),
  java: clike("java"),
  cs: clike("csharp"),
  kt: clike("kotlin"),
};

const BY_NAME: Record<string, Load> = {
  Dockerfile: docker,
  Procfile: yaml,
  ".env": properties,
  ".gitconfig": properties,
  ".bashrc": shell,
};

/** What a file is written in, by its name; nothing where that isn't known. */
export function languageOf(name: string): Load | undefined {
  const end = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return BY_NAME[name] ?? BY_END[end];
}
