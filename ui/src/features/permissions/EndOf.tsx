import { Popover } from "@mantine/core";
import { IconClockHour4 } from "@tabler/icons-react";
import { EndField } from "./EndField";
import { endWords } from "./ends";
import css from "./permissions.module.css";

/** The end of one grant: a clock where there is none yet, its moment where there is. */
export function EndOf(props: { label: string; at: string | undefined; onChange: (at: string | null) => void }) {
  return (
    <Popover position="bottom-start" width={270} trapFocus returnFocus shadow="md" withinPortal>
      <Popover.Target>
        <button
          type="button"
          className={`${css.end} ${props.at ? css.until : css.clock}`}
          aria-label={
            props.at ? `${props.label} until ${endWords(props.at)}, change the end` : `Set an end of ${props.label}`
          }
          title={props.at ? undefined : "Set an end"}
        >
          <IconClockHour4 size={props.at ? 13 : 15} stroke={1.75} aria-hidden />
          {props.at && `until ${endWords(props.at)}`}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <EndField label={`${props.label} ends`} at={props.at} onChange={props.onChange} />
      </Popover.Dropdown>
    </Popover>
  );
}
