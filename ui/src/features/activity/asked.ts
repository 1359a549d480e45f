export const FILTERS = ["whose", "actor", "action", "resource", "outcome", "from", "to"] as const;
export type Filter = (typeof FILTERS)[number];

/** A day as a field has it, `2026-11-25`, where it begins for whoever reads; a day later, where it ends. */
export function startOf(day: string, later = 0): string {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return "";
  const at = new Date(year, month - 1, date + later);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

/** What the server is asked with. */
export function asked(filters: Record<Filter, string>): Record<string, string> {
  const { actor, action, resource, outcome, from, to } = filters;
  const query = { actor, action, resource, outcome, from: startOf(from), to: startOf(to, 1) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
}
