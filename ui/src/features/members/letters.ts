/** What of an address isn't written in the letters of this page, so that it may look like another one. */
export type Unusual = {
  /** The address as mail servers write it: only its domain has such a form. */
  written: string | null;
  /** Those before the @, each with its number: `а (U+0430)`. */
  letters: string[];
};

const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text);
const numbered = (letter: string) =>
  `${letter} (U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")})`;

/** `null` where every letter is a plain one: then it is what it looks like. */
export function unusualIn(email: string): Unusual | null {
  if (isPlain(email)) return null;
  const at = email.lastIndexOf("@");
  const [person, domain] = [email.slice(0, Math.max(0, at)), email.slice(at + 1)];
  const letters = [...new Set(person)].filter((letter) => !isPlain(letter)).map(numbered);
  return { written: isPlain(domain) ? null : `${person}@${inPlainLetters(domain)}`, letters };
}

function inPlainLetters(domain: string): string {
  try {
    return new URL(`http://${domain}`).hostname;
  } catch {
    return [...domain].map((letter) => (isPlain(letter) ? letter : numbered(letter))).join(" ");
  }
}
