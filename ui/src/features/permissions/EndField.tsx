import { Button, TextInput } from "@mantine/core";
import { useId, useState } from "react";
import { fromField, inDays, toField } from "./ends";
import css from "./permissions.module.css";

const SOON = [
  { word: "In a day", days: 1 },
  { word: "In a week", days: 7 },
  { word: "In 30 days", days: 30 },
];

/** Chooses a moment: by its date and time, or by how far away it is. */
export function EndField(props: { label: string; at: string | undefined; onChange: (at: string | null) => void }) {
  const id = useId();
  const [past, setPast] = useState<string | null>(null);
  const set = (at: string | null) => {
    setPast(null);
    props.onChange(at);
  };
  const type = (text: string) => {
    const at = fromField(text);
    // What is over already isn't taken: the server would refuse it, at the end.
    if (at && Date.parse(at) <= Date.now()) setPast(text);
    else set(at);
  };
  return (
    <div className={css.endField}>
      <label htmlFor={id}>{props.label}</label>
      <TextInput
        id={id}
        type="datetime-local"
        data-autofocus
        min={toField(new Date())}
        value={past ?? (props.at ? toField(props.at) : "")}
        error={past && "This time is over already. Choose a later one."}
        onChange={(event) => type(event.currentTarget.value)}
      />
      <div className={css.soon}>
        {SOON.map(({ word, days }) => (
          <Button key={days} size="xs" onClick={() => set(inDays(days))}>
            {word}
          </Button>
        ))}
        {props.at && (
          <Button size="xs" variant="subtle" onClick={() => set(null)}>
            Never
          </Button>
        )}
      </div>
    </div>
  );
}
