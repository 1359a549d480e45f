import { ActionIcon, Popover } from "@mantine/core";
import { IconClockHour4 } from "@tabler/icons-react";
import { EndField } from "./EndField";
import { endWords } from "./ends";
import css from "./permissions.module.css";

/** The end of one grant: a clock where there is none yet, its moment where there is. */
export function EndOf(props: { label: string; at: string | undefined; onChange: (at: string | null) => void }) {
  return (
    <Popover position="bottom-start" width={270} trapFocus returnFocus shadow="md" withinPortal>
      <Popover.Target>
        {props.at ? (
          <button
            type="button"
            className={css.until}
            aria-label={`${props.label} ends on ${endWords(props.at)}. Change`}
          >
            <IconClockHour4 size={13} stroke={1.75} aria-hidden />
            until {endWords(props.at)}
          </button>
        ) : (
          <ActionIcon
            size={24}
            className={css.clock ?? ""}
            aria-label={`Set an end of ${props.label}`}
            title="Set an end"
          >
            <IconClockHour4 size={15} stroke={1.75} aria-hidden />
          </ActionIcon>
        )}
      </Popover.Target>
      <Popover.Dropdown>
        <EndField label={`${props.label} ends`} at={props.at} onChange={props.onChange} />
      </Popover.Dropdown>
    </Popover>
  );
}
