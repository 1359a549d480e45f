// What "format on save" does to a text: nothing that could mean something else.

/** No blanks at the ends of lines, one line's end at the end; JSON written with two blanks where it can be read. */
export function tidied(name: string, text: string): string {
  if (/\.(json|webmanifest)$/i.test(name)) {
    try {
      return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
    } catch {
      // It isn't JSON yet: its lines are tidied like any other's.
    }
  }
  // Two blanks at the end of a line are a break in Markdown.
  const lines = /\.(md|markdown)$/i.test(name) ? text : text.replace(/[ \t]+$/gm, "");
  const end = lines.replace(/\n+$/, "");
  return end === "" ? "" : `${end}\n`;
}
