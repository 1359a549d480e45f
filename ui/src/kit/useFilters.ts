import { useNavigate, useSearch } from "@tanstack/react-router";

const said = <Name extends string>(names: readonly Name[], by: (name: Name) => string) =>
  Object.fromEntries(names.map((name) => [name, by(name)])) as Record<Name, string>;

/** The filters of a list as the address has them: a reload keeps them, and a link shows the same. One unset is "". */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const filters = said(names, (name) => (typeof search[name] === "string" ? search[name] : ""));
  const change = (changed: Partial<Record<Name, string>>) => {
    const next = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== "");
    void navigate({ to: ".", search: Object.fromEntries(next) as never, replace: true, resetScroll: false });
  };
  const clear = (but?: Name) => change(said(names, (name) => (name === but ? filters[name] : "")));
  return { filters, change, clear };
}
