/** A sentence of the server, in which `…` stands for code. */
export function Said({ text }: { text: string }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one sentence never move
  return text.split(/`([^`]+)`/).map((piece, at) => (at % 2 ? <code key={at}>{piece}</code> : piece));
}
