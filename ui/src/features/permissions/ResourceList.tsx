import { Button, Pill, PillsInput, Popover } from "@mantine/core";
import { IconClockHour4, IconLock, IconPlus, IconSelector } from "@tabler/icons-react";
import { type FocusEvent, type KeyboardEvent, type MouseEvent, useId, useMemo, useRef, useState } from "react";
import { problemOf } from "@/api/problem";
import { Note } from "@/kit";
import { endWords } from "./ends";
import { type Offered, Offers } from "./Offers";
import css from "./permissions.module.css";

/** More chosen ones than this are told by their number: the list below shows them all. */
const SHOWN = 30;
/** As far as Page Up and Page Down go. */
const LEAP = 8;

/** One order for what is offered and what is chosen, blind to case. */
const { compare } = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
/** So that the search keeps the focus, and with it what it shows. */
const stay = (event: MouseEvent) => event.preventDefault();

type Props = {
  label: string;
  offered: Offered[] | undefined;
  error: unknown;
  chosen: string[];
  /** Those that are saved already; the others are shown as added. */
  saved: string[];
  until: Record<string, string>;
  onChange: (ids: string[]) => void;
};

/** One allow-list of any length. What is chosen stays chosen, whether the search shows it or not. */
export function ResourceList({ label, offered, error, chosen, saved, until, onChange }: Props) {
  const id = useId();
  const [search, setSearch] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [isWhole, setWhole] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const all = useMemo(() => [...(offered ?? [])].sort((one, other) => compare(one.name, other.name)), [offered]);
  const names = useMemo(() => new Map(all.map((one) => [one.id, one.name])), [all]);
  const sorted = useMemo(
    () => [...chosen].sort((one, other) => compare(names.get(one) ?? "", names.get(other) ?? "")),
    [chosen, names],
  );
  const isChosen = useMemo(() => new Set(chosen), [chosen]);
  const wasSaved = useMemo(() => new Set(saved), [saved]);
  const wanted = search.trim().toLocaleLowerCase();
  const shown = useMemo(
    () => (wanted ? all.filter(({ name, slug }) => `${name} ${slug}`.toLocaleLowerCase().includes(wanted)) : all),
    [all, wanted],
  );
  if (error) return <Note tone="bad">{problemOf(error).detail}</Note>;
  // The button may go with what it did, and with it a focus that it never had by the mouse: it goes on to the search.
  const setAll = (ids: string[]) => {
    field.current?.focus();
    onChange(ids);
  };
  const left = shown.filter((one) => !isChosen.has(one.id));
  const at = Math.min(active, Math.max(0, shown.length - 1));
  const toggle = (one: Offered | undefined) => {
    if (!one) return;
    onChange(isChosen.has(one.id) ? chosen.filter((other) => other !== one.id) : [...chosen, one.id]);
  };
  const move = (to: number) => {
    setOpen(true);
    setActive(Math.max(0, Math.min(shown.length - 1, to)));
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    const steps: Record<string, number> = {
      ArrowDown: isOpen ? 1 : 0,
      ArrowUp: isOpen ? -1 : 0,
      PageDown: LEAP,
      PageUp: -LEAP,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(at + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isOpen) toggle(shown[at]);
      else setOpen(true);
    } else if (event.key === "Escape" && isOpen) {
      setOpen(false);
    } else if (event.key === "Backspace" && search === "") {
      const last = pills.at(-1);
      onChange(chosen.filter((one) => one !== last));
    }
  };
  const pills = isWhole ? sorted : sorted.slice(0, SHOWN);
  // Once it is left, nothing is hidden by a search that nobody sees any more.
  const leave = (event: FocusEvent<HTMLDivElement>) => {
    if (!event.currentTarget.contains(event.relatedTarget)) setSearch("");
  };
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      width="target"
      position="bottom-start"
      offset={4}
      withinPortal
      trapFocus={false}
      withRoles={false}
    >
      {/* All of it: what opens covers neither the label nor the number, above or below. */}
      <Popover.Target>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: it only hears that the focus leaves it */}
        <div className={css.list} onBlur={leave}>
          <div className={css.listHead}>
            <label htmlFor={id} id={`${id}-label`}>
              {label}
            </label>
            {left.length > 0 && (
              <Button
                variant="transparent"
                fz={12}
                onMouseDown={stay}
                onClick={() => setAll([...chosen, ...left.map((one) => one.id)])}
                aria-label={`Select all ${left.length} shown of ${label}`}
              >
                {wanted ? `Select all ${left.length} shown` : "Select all"}
              </Button>
            )}
            {chosen.length > 0 && (
              <Button
                variant="transparent"
                fz={12}
                onMouseDown={stay}
                onClick={() => setAll([])}
                aria-label={`Select none of ${label}`}
              >
                Select none
              </Button>
            )}
            <span className="numbers">
              {chosen.length} of {offered ? all.length : "…"}
            </span>
          </div>
          <PillsInput
            id={id}
            classNames={{ input: css.field ?? "" }}
            rightSection={<IconSelector size={15} stroke={1.75} aria-hidden />}
            rightSectionPointerEvents="none"
            onClick={() => setOpen(true)}
            {...(chosen.length === 0 && { leftSection: <IconLock size={15} stroke={1.75} aria-hidden /> })}
          >
            <Pill.Group className={css.pills ?? ""}>
              {pills.map((one) => {
                const name = names.get(one) ?? "…";
                const isFresh = !wasSaved.has(one);
                const ends = until[one];
                return (
                  <Pill
                    key={one}
                    withRemoveButton
                    onRemove={() => onChange(chosen.filter((other) => other !== one))}
                    removeButtonProps={{ "aria-label": `Take ${name} away`, tabIndex: 0 }}
                    classNames={{ root: `${css.pill} ${isFresh ? css.fresh : ""}`, label: css.pillName ?? "" }}
                    title={ends ? `${name}, until ${endWords(ends)}` : name}
                  >
                    {isFresh && <IconPlus size={12} aria-label="added" className={css.mark} />}
                    {name}
                    {ends && <IconClockHour4 size={12} aria-label={`until ${endWords(ends)}`} className={css.ending} />}
                  </Pill>
                );
              })}
              {chosen.length > pills.length && (
                <button type="button" className={css.rest} onClick={() => setWhole(true)}>
                  and {chosen.length - pills.length} more
                </button>
              )}
              <PillsInput.Field
                ref={field}
                className={`${css.find} ${chosen.length > 4 ? css.findBelow : chosen.length > 0 ? css.findBeside : ""}`}
                role="combobox"
                aria-labelledby={`${id}-label`}
                aria-expanded={isOpen}
                aria-controls={`${id}-offers`}
                aria-autocomplete="list"
                {...(isOpen && shown[at] && { "aria-activedescendant": `${id}-${shown[at].id}` })}
                autoComplete="off"
                placeholder={chosen.length === 0 ? "No access" : ""}
                value={search}
                onChange={(event) => {
                  setSearch(event.currentTarget.value);
                  setActive(0);
                  setOpen(true);
                }}
                onKeyDown={press}
                onBlur={() => setOpen(false)}
              />
            </Pill.Group>
          </PillsInput>
        </div>
      </Popover.Target>
      <Popover.Dropdown p={4}>
        {shown.length > 0 ? (
          <Offers id={id} label={label} shown={shown} chosen={isChosen} active={at} onToggle={toggle} />
        ) : (
          <div className={css.none} id={`${id}-offers`}>
            {all.length === 0 ? "There is none yet" : "None of this name"}
          </div>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
