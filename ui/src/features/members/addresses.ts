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

/** The addresses of one part: what stands in brackets, else each word with an @; else the part as it is. */
function within(part: string): string[] {
  const bracketed = [...part.matchAll(/<([^<>]*)>/g)].map(([, address = ""]) => address.trim());
  if (bracketed.some((address) => address.includes("@"))) return bracketed;
  const words = part.split(/\s+/u).filter(Boolean);
  const addresses = words.filter((word) => word.includes("@"));
  // What isn't an address is kept, so that the server says so: nothing that was typed is lost without a word.
  if (addresses.length === 0) return [words.join(" ")];
  return addresses;
}

/** The addresses in what somebody typed or pasted, each once. Whether they are addresses the server says. */
export function addressesIn(text: string): string[] {
  const found = parted(text)
    .flatMap(within)
    .map((one) => one.replace(/^mailto:/i, "").replace(/^[<("']+|[>)"'.]+$/g, ""))
    .filter(Boolean);
  return found.filter((one, at) => found.findIndex((other) => other.toLowerCase() === one.toLowerCase()) === at);
}
