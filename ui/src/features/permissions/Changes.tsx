import { Popover } from "@mantine/core";
import { IconChevronDown, IconClockHour4, IconMinus, IconPlus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Chip, usePhone } from "@/kit";
import { actionOf } from "@/kit/actions";
import type { Change, Lists } from "./difference";
import { endWords, labelOf, type NameOf } from "./ends";
import { counted, grouped, summed } from "./groups";
import css from "./permissions.module.css";

/** As many of one kind are named; more are told by their number, which opens. */
const NAMED = 3;
/** As many chips stand in the foot of a phone. */
const ON_PHONE = 5;

const WORDS: Record<Lists, string> = { projects: "Projects", instances: "Instances", servers: "Servers" };

/** By what it is about: an action's key, or a resource's id. */
const of = (change: Change) => (change.kind === "resource" ? change.id : change.key);

const keyOf = (change: Change) => `${change.kind} ${of(change)}`;

export function Sign({ added }: { added: boolean }) {
  return added ? <IconPlus size={12} aria-label="added" /> : <IconMinus size={12} aria-label="taken away" />;
}

function One({ change, nameOf }: { change: Change; nameOf: NameOf }) {
  const label = labelOf(of(change), nameOf);
  if (change.kind === "end")
    return (
      <Chip tone="warn">
        <IconClockHour4 size={12} aria-hidden />
        {change.at ? `${label} until ${endWords(change.at)}` : `${label} never ends`}
      </Chip>
    );
  return (
    <Chip tone={change.added ? "good" : "bad"}>
      <Sign added={change.added} />
      {label}
    </Chip>
  );
}

/** A number of changes of one kind, which opens to each of them by name. */
function Many({ label, changes, nameOf }: { label: ReactNode; changes: Change[]; nameOf: NameOf }) {
  return (
    <Popover position="top-start" width={380} trapFocus returnFocus withinPortal>
      <Popover.Target>
        <button type="button" className={css.many}>
          {label}
          <IconChevronDown size={13} stroke={1.75} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown p={10}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys have to reach it */}
        <section className={css.each} tabIndex={0} aria-label="Each of them">
          {changes.map((change) => (
            <One key={keyOf(change)} change={change} nameOf={nameOf} />
          ))}
        </section>
      </Popover.Dropdown>
    </Popover>
  );
}

/** What is told as one: a change by its name, or several of a kind by their number. */
type Unit = { changes: Change[]; label?: string };

function few(label: string, changes: Change[]): Unit[] {
  return changes.length > NAMED ? [{ changes, label }] : changes.map((change) => ({ changes: [change] }));
}

/** A difference, whole: the switches first, then what ends, then what it is about. */
export function Changes({ changes, nameOf }: { changes: Change[]; nameOf: NameOf }) {
  const phone = usePhone();
  const { actions, ends, lists } = grouped(changes);
  const set = ends.filter(({ at }) => at !== null).length;
  const told = [set && `${set} set`, ends.length - set && `${ends.length - set} taken away`].filter(Boolean);
  const units: Unit[] = [
    ...actions.map((change) => ({ changes: [change] })),
    ...few(`Ends: ${told.join(", ")}`, ends),
    ...lists.flatMap(({ list, changes }) => few(`${WORDS[list]}: ${counted(changes)}`, changes)),
  ];
  const shown = phone && units.length > ON_PHONE ? units.slice(0, ON_PHONE - 1) : units;
  const rest = units.slice(shown.length).flatMap(({ changes }) => changes);
  return (
    <>
      {shown.map(({ label, changes }) =>
        label ? (
          <Many key={label} label={label} changes={changes} nameOf={nameOf} />
        ) : (
          changes.map((change) => <One key={keyOf(change)} change={change} nameOf={nameOf} />)
        ),
      )}
      {rest.length > 0 && <Many label={`and ${rest.length} more`} changes={rest} nameOf={nameOf} />}
    </>
  );
}

/** What several differences come to: each switch with for how many, and the rest by its number. */
export function Sums({ each }: { each: Change[][] }) {
  const all = grouped(each.flat());
  const changed = each.filter((changes) => changes.length > 0).length;
  return (
    <>
      {summed(each).map(({ key, added, of }) => (
        <Chip key={`${key} ${added}`} tone={added ? "good" : "bad"}>
          <Sign added={added} />
          {actionOf(key)?.label ?? key}
          {of < changed && ` for ${of}`}
        </Chip>
      ))}
      {all.ends.length > 0 && (
        <Chip tone="warn">
          <IconClockHour4 size={12} aria-hidden />
          Ends: {all.ends.length}
        </Chip>
      )}
      {all.lists.map(({ list, changes }) => (
        <Chip key={list}>
          {WORDS[list]}: {counted(changes)}
        </Chip>
      ))}
    </>
  );
}
