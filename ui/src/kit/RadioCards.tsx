import { IconCircleCheckFilled, type TablerIcon } from "@tabler/icons-react";
import css from "./held.module.css";

/** One of a few, side by side. `name` is that of the radio buttons. */
export function RadioCards<K extends string>(props: {
  legend: string;
  name: string;
  cards: { key: K; word: string; Icon: TablerIcon }[];
  value: K | null;
  onChange: (key: K) => void;
}) {
  return (
    <fieldset className={css.cards}>
      <legend>{props.legend}</legend>
      {props.cards.map(({ key, word, Icon }) => (
        <label key={key} className={css.card}>
          <input
            type="radio"
            name={props.name}
            value={key}
            checked={props.value === key}
            onChange={() => props.onChange(key)}
          />
          <Icon size={19} stroke={1.75} aria-hidden />
          {props.value === key && <IconCircleCheckFilled size={15} className={css.check} aria-hidden />}
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}
