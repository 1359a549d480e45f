import { useNavigate, useSearch } from "@tanstack/react-router";

const all = <Name extends string>(names: readonly Name[], said: (name: Name) => string) =>
  Object.fromEntries(names.map((name) => [name, said(name)])) as Record<Name, string>;

/** The filters of a list as the address has them: a reload keeps them, and a link shows the same. One unset is "". */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const said = (name: Name) => (typeof search[name] === "string" ? search[name] : "");
  const filters = all(names, said);
  const change = (changed: Partial<Record<Name, string>>) => {
    const next = Object.entries({ ...filters, ...changed }).filter(([, value]) => value !== "");
    void navigate({ to: ".", search: Object.fromEntries(next) as never, replace: true, resetScroll: false });
  };
  const clear = (but?: Name) =>
    change(
      all(
        names.filter((name) => name !== but),
        () => "",
      ),
    );
  return { filters, change, clear };
}
