import { useNavigate, useSearch } from "@tanstack/react-router";

const FILTERS = ["whose", "actor", "action", "resource", "outcome", "from", "to"] as const;
export type Filter = (typeof FILTERS)[number];
type Filters = Record<Filter, string>;
const NONE = Object.fromEntries(FILTERS.map((name) => [name, ""])) as Filters;

/** The filters as the address has them: back works, and a link shows the same. */
export function useFilters() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const filters = { ...NONE };
  for (const name of FILTERS) if (typeof search[name] === "string") filters[name] = search[name];
  const change = (changed: Partial<Filters>) => {
    const next = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== "");
    void navigate({ to: ".", search: Object.fromEntries(next) as never, replace: true, resetScroll: false });
  };
  const clear = () => change({ ...NONE, whose: filters.whose });
  return { filters, change, clear };
}

/** A day as a field has it, `2026-11-25`, where it begins for whoever reads; a day later, where it ends. */
export function startOf(day: string, later = 0): string {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return "";
  const at = new Date(year, month - 1, date + later);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

/** What the server is asked with. */
export function asked(filters: Filters): Record<string, string> {
  const { actor, action, resource, outcome, from, to } = filters;
  const query = { actor, action, resource, outcome, from: startOf(from), to: startOf(to, 1) };
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
}
