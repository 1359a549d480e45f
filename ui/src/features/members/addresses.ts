/** The addresses in what somebody typed or pasted, each once. Whether they are addresses the server says. */
export function addressesIn(text: string): string[] {
  const found = text
    .split(/[\s,;]+/u)
    .map((part) => part.replace(/^<|>$/g, ""))
    .filter(Boolean);
  return found.filter((one, at) => found.findIndex((other) => other.toLowerCase() === one.toLowerCase()) === at);
}
