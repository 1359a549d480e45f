import { ActionIcon, Button, Popover, Select } from "@mantine/core";
import { IconCalendarTime, IconChevronDown, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { Draft } from "./difference";
import { EndField } from "./EndField";
import { endsInWords, endWords, grantedIn, labelOf, type NameOf } from "./ends";
import css from "./permissions.module.css";

const ALL = "all";

type Props = {
  draft: Draft;
  nameOf: NameOf;
  onChange: (until: Draft["until"]) => void;
};

/** All ends of a profile: what ends when, and setting one for anything in it or for all of it. */
export function Ends({ draft, nameOf, onChange }: Props) {
  const granted = grantedIn(draft);
  const [chosen, setWhat] = useState<string>(ALL);
  const [isChoosing, setChoosing] = useState(false);
  const what = chosen === ALL || granted.includes(chosen) ? chosen : ALL;
  const ending = Object.entries(draft.until).sort(([, one], [, other]) => one.localeCompare(other));
  const isSame = new Set(granted.map((key) => draft.until[key])).size === 1;
  const at = what === ALL ? (isSame ? draft.until[granted[0] ?? ""] : undefined) : draft.until[what];
  const set = (at: string | null) => {
    const keys = what === ALL ? granted : [what];
    const rest = Object.entries(draft.until).filter(([key]) => !keys.includes(key));
    onChange(Object.fromEntries([...rest, ...(at ? keys.map((key) => [key, at]) : [])]));
  };
  return (
    <div className={css.ends}>
      <span className={css.endsLabel}>Ends</span>
      <Popover
        position="top-start"
        width="target"
        trapFocus
        returnFocus
        shadow="md"
        withinPortal
        closeOnEscape={!isChoosing}
      >
        <Popover.Target>
          <Button
            fullWidth
            justify="flex-start"
            disabled={granted.length === 0}
            leftSection={<IconCalendarTime size={16} stroke={1.75} aria-hidden />}
            rightSection={<IconChevronDown size={14} stroke={1.75} aria-hidden />}
            className={css.endsButton ?? ""}
          >
            {endsInWords(draft, nameOf)}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          {ending.length > 0 && (
            <ul className={css.endsList}>
              {ending.map(([key, at]) => {
                const label = labelOf(key, nameOf);
                return (
                  <li key={key}>
                    <span>{label}</span>
                    <span className={css.few}>{endWords(at)}</span>
                    <ActionIcon
                      size={24}
                      aria-label={`${label} never ends`}
                      title="Never"
                      onClick={() => onChange(Object.fromEntries(ending.filter(([one]) => one !== key)))}
                    >
                      <IconX size={14} stroke={1.75} aria-hidden />
                    </ActionIcon>
                  </li>
                );
              })}
            </ul>
          )}
          <Select
            label="What ends"
            data={[
              { value: ALL, label: "Everything" },
              ...granted.map((key) => ({ value: key, label: labelOf(key, nameOf) })),
            ]}
            value={what}
            onChange={(value) => setWhat(value ?? ALL)}
            allowDeselect={false}
            searchable={granted.length > 12}
            limit={100}
            comboboxProps={{ withinPortal: false }}
            mb={10}
            openOnFocus={false}
            onDropdownOpen={() => setChoosing(true)}
            onDropdownClose={() => setChoosing(false)}
          />
          <EndField key={what} label="On" at={at} onChange={set} />
        </Popover.Dropdown>
      </Popover>
      {granted.length === 0 && <p className={css.hint}>Grant something first: then it can end by itself.</p>}
    </div>
  );
}
