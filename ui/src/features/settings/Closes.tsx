const lists = new Intl.ListFormat("en-GB");

export const allOf = (names: string[]): string => lists.format(names);

/** What the last second factor was the key to. */
export function Closes({ demandedBy }: { demandedBy: string[] }) {
  if (demandedBy.length === 0) return null;
  return <> {allOf(demandedBy)} will be closed to you until you have a second factor again.</>;
}
