import { Button, TextInput } from "@mantine/core";
import { useId } from "react";
import { fromField, inDays, toField } from "./ends";
import css from "./permissions.module.css";

const SOON = [
  { word: "In a day", days: 1 },
  { word: "In a week", days: 7 },
  { word: "In 30 days", days: 30 },
];

// Escape closes what this stands in, and not the dialog around that: each says so of itself.

/** Chooses a moment: by its date and time, or by how far away it is. */
export function EndField(props: { label: string; at: string | undefined; onChange: (at: string | null) => void }) {
  const id = useId();
  return (
    <div className={css.endField}>
      <label htmlFor={id}>{props.label}</label>
      <TextInput
        id={id}
        type="datetime-local"
        data-mantine-stop-propagation
        min={toField(new Date())}
        value={props.at ? toField(props.at) : ""}
        onChange={(event) => props.onChange(fromField(event.currentTarget.value))}
      />
      <div className={css.soon}>
        {SOON.map(({ word, days }) => (
          <Button key={days} size="xs" data-mantine-stop-propagation onClick={() => props.onChange(inDays(days))}>
            {word}
          </Button>
        ))}
        {props.at && (
          <Button size="xs" variant="subtle" data-mantine-stop-propagation onClick={() => props.onChange(null)}>
            Never
          </Button>
        )}
      </div>
    </div>
  );
}
