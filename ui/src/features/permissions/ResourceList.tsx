import { Button, MultiSelect, Pill } from "@mantine/core";
import { IconLock, IconPlus } from "@tabler/icons-react";
import { useId, useState } from "react";
import { problemOf } from "@/api/problem";
import { Note } from "@/kit";
import css from "./permissions.module.css";

type Offered = { id: string; name: string; slug: string };

// More than this is a scroll through nothing: searching finds what lies beyond.
const SHOWN = 200;

type Props = {
  label: string;
  offered: Offered[] | undefined;
  error: unknown;
  chosen: string[];
  /** Those that are saved already; the others are shown as added. */
  saved: string[];
  onChange: (ids: string[]) => void;
};

/** One allow-list. What is chosen stays chosen, whether the search shows it or not. */
export function ResourceList({ label, offered, error, chosen, saved, onChange }: Props) {
  const id = useId();
  const [search, setSearch] = useState("");
  if (error) return <Note tone="bad">{problemOf(error).detail}</Note>;
  const all = offered ?? [];
  const wanted = search.trim().toLocaleLowerCase();
  const shown = all.filter(({ name, slug }) => `${name} ${slug}`.toLocaleLowerCase().includes(wanted));
  const left = shown.filter((one) => !chosen.includes(one.id));
  return (
    <div className={css.list}>
      <div className={css.listHead}>
        <label htmlFor={id}>{label}</label>
        {left.length > 0 && (
          <Button
            variant="transparent"
            fz={12}
            onClick={() => onChange([...chosen, ...left.map((one) => one.id)])}
            aria-label={`Select all ${left.length} shown of ${label}`}
          >
            {wanted ? `Select all ${left.length} shown` : "Select all"}
          </Button>
        )}
        {chosen.length > 0 && (
          <Button variant="transparent" fz={12} onClick={() => onChange([])} aria-label={`Select none of ${label}`}>
            None
          </Button>
        )}
        <span className="numbers">
          {chosen.length} of {offered ? all.length : "…"}
        </span>
      </div>
      <MultiSelect
        id={id}
        data={all.map((one) => ({ value: one.id, label: one.name }))}
        value={chosen}
        onChange={onChange}
        searchable
        searchValue={search}
        onSearchChange={setSearch}
        hidePickedOptions
        limit={SHOWN}
        leftSection={chosen.length === 0 ? <IconLock size={15} stroke={1.75} aria-hidden /> : null}
        placeholder={chosen.length === 0 ? "No access" : ""}
        nothingFoundMessage={all.length === 0 ? "There is none yet" : "None of this name"}
        comboboxProps={{ withinPortal: true }}
        renderPill={({ option, value, onRemove, disabled }) => {
          const isFresh = !saved.includes(String(value));
          return (
            <Pill
              withRemoveButton={!disabled}
              onRemove={onRemove ?? (() => {})}
              removeButtonProps={{ "aria-label": `Take ${option?.label ?? "it"} away` }}
              {...(isFresh && { className: css.fresh })}
              title={option?.label}
            >
              {isFresh && <IconPlus size={12} aria-label="added" style={{ verticalAlign: -1, marginRight: 3 }} />}
              {option?.label ?? "…"}
            </Pill>
          );
        }}
        classNames={{ pillsList: css.pills ?? "" }}
        styles={{ pillsList: { maxHeight: 132, overflowY: "auto" } }}
      />
    </div>
  );
}
