// What a model writes, in parts that the page draws: a little of Markdown, and the lines that it names. Nothing in it
// becomes a link, a picture or HTML.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong"; text: string }
  | { kind: "lines"; numbers: number[] };

export type Block =
  | { kind: "heading"; text: string }
  | { kind: "text"; parts: Inline[] }
  | { kind: "list"; isNumbered: boolean; items: Inline[][] }
  | { kind: "code"; text: string };

const CITATION = /^\[(L\d+(?:\s*[,;–-]\s*L?\d+)*)\]/;

/** The parts of one paragraph. */
export function inline(text: string): Inline[] {
  const parts: Inline[] = [];
  let plain = "";
  const push = (part: Inline) => {
    if (plain) parts.push({ kind: "text", text: plain });
    plain = "";
    parts.push(part);
  };
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const lines = CITATION.exec(rest);
    const code = /^`([^`]+)`/.exec(rest);
    const strong = /^\*\*([^*]+)\*\*/.exec(rest);
    const found = lines ?? code ?? strong;
    if (!found) {
      plain += text[at];
      at += 1;
      continue;
    }
    if (lines) push({ kind: "lines", numbers: [...(lines[1] ?? "").matchAll(/\d+/g)].map(([one]) => Number(one)) });
    else if (code) push({ kind: "code", text: code[1] ?? "" });
    else push({ kind: "strong", text: strong?.[1] ?? "" });
    at += found[0].length;
  }
  if (plain) parts.push({ kind: "text", text: plain });
  return parts;
}

/** The blocks so far: an answer that hasn't ended is drawn as far as it goes. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let paragraph: string[] = [];
  let code: string[] | null = null;
  const end = () => {
    if (paragraph.length > 0) found.push({ kind: "text", parts: inline(paragraph.join(" ")) });
    paragraph = [];
  };
  for (const line of text.split("\n")) {
    if (line.trimStart().startsWith("```")) {
      end();
      if (code) found.push({ kind: "code", text: code.join("\n") });
      code = code ? null : [];
      continue;
    }
    if (code) {
      code.push(line);
      continue;
    }
    const heading = /^#{1,6}\s+(.+)$/.exec(line);
    const item = /^\s*(?:(\d+)[.)]|[-*•])\s+(.+)$/.exec(line);
    if (heading) {
      end();
      found.push({ kind: "heading", text: (heading[1] ?? "").replace(/[#*\s]+$/, "") });
    } else if (item) {
      end();
      const isNumbered = item[1] !== undefined;
      const last = found.at(-1);
      const parts = inline(item[2] ?? "");
      if (last?.kind === "list" && last.isNumbered === isNumbered) last.items.push(parts);
      else found.push({ kind: "list", isNumbered, items: [parts] });
    } else if (line.trim() === "") end();
    else paragraph.push(line.trim());
  }
  end();
  if (code) found.push({ kind: "code", text: code.join("\n") });
  return found;
}

/** The same without the numbers in brackets: for the clipboard of somebody who doesn't have this log. */
export function plainText(text: string): string {
  return text
    .replace(/\s*\[L\d+(?:\s*[,;–-]\s*L?\d+)*\]/g, "")
    .replace(/^#{1,6}\s+/gm, "")
    .trim();
}
