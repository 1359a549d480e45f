import { useNavigate, useSearch } from "@tanstack/react-router";

const FILTERS = ["q", "role", "action"] as const;
export type Filter = (typeof FILTERS)[number];
type Filters = Record<Filter, string>;

export const NO_FILTERS: Filters = { q: "", role: "", action: "" };

/** The filters as the address has them: a reload keeps them, and a link shows the same. */
export function useFilters() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const filters = { ...NO_FILTERS };
  for (const name of FILTERS) if (typeof search[name] === "string") filters[name] = search[name];
  const change = (changed: Partial<Filters>) => {
    const next = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== "");
    void navigate({ to: ".", search: Object.fromEntries(next) as never, replace: true, resetScroll: false });
  };
  return { filters, change };
}
