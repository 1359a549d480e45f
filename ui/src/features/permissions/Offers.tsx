import { IconCheck } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { Stage } from "@/api/nouns";
import css from "./permissions.module.css";

export type Offered = { id: string; name: string; slug: string; stage?: Stage };

const ROW = 32;
const HEIGHT = 264;
/** Rows that are drawn beyond each edge of what is seen. */
const BEYOND = 6;

const STAGES: Record<Stage, string> = { production: "Production", staging: "Staging", development: "Development" };

type Props = {
  id: string;
  label: string;
  shown: Offered[];
  chosen: Set<string>;
  active: number;
  onToggle: (one: Offered) => void;
};

/** What can be chosen, however much it is: only what is seen of it is drawn. */
export function Offers({ id, label, shown, chosen, active, onToggle }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const height = Math.min(HEIGHT, shown.length * ROW);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const [from, to] = [active * ROW, (active + 1) * ROW];
    if (from < element.scrollTop) element.scrollTop = from;
    else if (to > element.scrollTop + height) element.scrollTop = to - height;
  }, [active, height]);
  const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
  const last = Math.min(shown.length, Math.ceil((top + height) / ROW) + BEYOND);
  return (
    <div
      ref={box}
      id={`${id}-offers`}
      role="listbox"
      tabIndex={-1}
      aria-label={label}
      aria-multiselectable
      className={css.offers}
      style={{ height }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div role="presentation" style={{ position: "relative", height: shown.length * ROW }}>
        {shown.slice(first, last).map((one, index) => {
          const at = first + index;
          const isChosen = chosen.has(one.id);
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus and the keys
            <div
              key={one.id}
              id={`${id}-${one.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={isChosen}
              aria-setsize={shown.length}
              aria-posinset={at + 1}
              data-active={at === active || undefined}
              className={css.offer}
              style={{ top: at * ROW, height: ROW }}
              // So that the field keeps the focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => onToggle(one)}
              title={one.name}
            >
              <span className={css.offerMark} data-on={isChosen || undefined} aria-hidden>
                {isChosen && <IconCheck size={12} stroke={2.5} />}
              </span>
              <span className={css.offerName}>{one.name}</span>
              {one.stage && <span className={css.few}>{STAGES[one.stage]}</span>}
            </div>
          );
        })}
      </div>
    </div>
  );
}
