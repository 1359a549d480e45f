/** What parts one address from the next: a comma, a semicolon or a line, but not within quotes or brackets. */
function parted(text: string): string[] {
  const parts = [""];
  let inside: string | null = null;
  for (const letter of text) {
    if (inside) {
      if (letter === inside || letter === "\n") inside = null;
    } else if (letter === '"') inside = '"';
    else if (letter === "<") inside = ">";
    const isEnd = letter === "\n" || (!inside && /[,;\r]/.test(letter));
    if (isEnd) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

/**
 * The addresses of one part: what stands in brackets, behind a name that isn't needed, else each word with an @. What isn't an
 * address is kept, so that the server says so: nothing that was typed is lost without a word.
 */
function within(part: string): string[] {
  const found: string[] = [];
  let rest = part;
  for (const [whole, address = ""] of part.matchAll(/<([^<>]*)>/g)) {
    const at = rest.indexOf(whole);
    const name = rest.slice(0, at).replace(/"[^"]*"/g, " ");
    found.push(...told(name).filter((one) => one.includes("@")), address.trim());
    rest = rest.slice(at + whole.length);
  }
  return [...found, ...told(rest)];
}

/** Each word with an @ for itself, and what stands between two of them. */
function told(text: string): string[] {
  const found: string[] = [];
  let isOpen = false;
  for (const word of text.split(/\s+/u).filter(Boolean)) {
    const isAddress = word.includes("@");
    if (isOpen && !isAddress) found.push(`${found.pop()} ${word}`);
    else found.push(word);
    isOpen = !isAddress;
  }
  return found;
}

/** The addresses in what somebody typed or pasted, each once. Whether they are addresses the server says. */
export function addressesIn(text: string): string[] {
  const found = parted(text)
    .flatMap(within)
    .map((one) => one.replace(/^mailto:/i, "").replace(/^(?:[<(']|"(?![^"]*"@))+|[>)"',.]+$/g, ""))
    .filter(Boolean);
  return found.filter((one, at) => found.findIndex((other) => other.toLowerCase() === one.toLowerCase()) === at);
}
