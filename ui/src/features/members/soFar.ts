/** What stays as it is when what was typed is discarded. */
export function soFar(invited: number): string {
  if (invited === 0) return "Nobody has been invited yet.";
  return invited === 1 ? "One is invited; the rest isn't." : `${invited} are invited; the rest isn't.`;
}
