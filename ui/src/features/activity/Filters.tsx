import { Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useAllMembers } from "@/api/memberQueries";
import css from "./activity.module.css";
import type { Filter } from "./asked";
import { CHOICES, labelOf, OUTCOMES } from "./words";

type Props = {
  filters: Record<Filter, string>;
  change: (changed: Partial<Record<Filter, string>>) => void;
  clear: () => void;
  workspace: string;
  isOwner: boolean;
  isMine: boolean;
};

/** By what the log is narrowed. All of it stands in the address. */
export function Filters({ filters, change, clear, workspace, isOwner, isMine }: Props) {
  const members = useAllMembers(workspace, isOwner && !isMine);
  const known = members.data?.some(({ id }) => id === filters.actor);
  const people = (members.data ?? []).map(({ id, account }) => ({ value: id, label: account.name }));
  // Somebody who was chosen from an event is named by the account.
  if (filters.actor && !known) people.unshift({ value: filters.actor, label: "The person chosen" });
  const isFiltered = (["actor", "action", "resource", "outcome", "from", "to"] as Filter[]).some(
    (name) => filters[name] !== "" && !(isMine && ["actor", "resource"].includes(name)),
  );
  return (
    <div className={css.tools}>
      {isOwner && (
        <SegmentedControl
          aria-label="Whose"
          value={isMine ? "mine" : "all"}
          onChange={(value) => change({ whose: value === "mine" ? "mine" : "" })}
          data={[
            { value: "all", label: "All" },
            { value: "mine", label: "Mine" },
          ]}
        />
      )}
      {isOwner && !isMine && (
        <Select
          aria-label="Who"
          placeholder="Everybody"
          data={people}
          value={filters.actor || null}
          onChange={(value) => change({ actor: value ?? "" })}
          searchable
          clearable
          data-tool
          className={css.filter ?? ""}
        />
      )}
      <Select
        aria-label="What was done"
        placeholder="Everything"
        data={CHOICES}
        value={filters.action || null}
        onChange={(value) => change({ action: value ?? "" })}
        searchable
        clearable
        data-tool
        title={filters.action ? labelOf(filters.action) : undefined}
        className={css.filter ?? ""}
      />
      <Select
        aria-label="Outcome"
        placeholder="Any outcome"
        data={OUTCOMES}
        value={filters.outcome || null}
        onChange={(value) => change({ outcome: value ?? "" })}
        clearable
        data-tool
        className={css.filter ?? ""}
      />
      <span className={css.dates}>
        <TextInput
          aria-label="From"
          title="From this day on"
          type="date"
          value={filters.from}
          max={filters.to || undefined}
          onChange={(event) => change({ from: event.currentTarget.value })}
          className={css.date ?? ""}
        />
        <span className={css.small}>to</span>
        <TextInput
          aria-label="To"
          title="Up to and with this day"
          type="date"
          value={filters.to}
          min={filters.from || undefined}
          onChange={(event) => change({ to: event.currentTarget.value })}
          className={css.date ?? ""}
        />
      </span>
      {isFiltered && (
        <Button variant="subtle" leftSection={<IconX size={15} stroke={1.75} />} onClick={clear}>
          {filters.resource && !isMine ? "Show everything again" : "Clear"}
        </Button>
      )}
    </div>
  );
}
