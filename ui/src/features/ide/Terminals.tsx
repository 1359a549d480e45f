import { ActionIcon } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { listTerminals } from "@/api/generated";
import type { Place } from "./files";
import css from "./ide.module.css";
import { Terminal } from "./later";

type Props = {
  place: Place;
  isShown: boolean;
  isDeleting: boolean;
  focus: number;
  onOutput: () => void;
  onLeave: () => void;
};

type Tab = { key: number; session: string | null };

/** One's own terminals: those that were left are found again. */
export function Terminals({ place, isShown, isDeleting, focus, onOutput, onLeave }: Props) {
  const [tabs, setTabs] = useState<Tab[] | null>(null);
  const [current, setCurrent] = useState(0);
  const next = useRef(0);
  const [wish, setWish] = useState(0);
  const { workspace, instance } = place;
  const fresh = (session: string | null): Tab => {
    next.current += 1;
    return { key: next.current, session };
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each instance
  useEffect(() => {
    let isHere = true;
    listTerminals(workspace, instance)
      .then(({ items }) => items.map(({ session }) => fresh(session)))
      .catch(() => [])
      .then((found) => {
        if (!isHere) return;
        const all = found.length > 0 ? found : [fresh(null)];
        setTabs(all);
        setCurrent(all[0]?.key ?? 0);
      });
    return () => {
      isHere = false;
    };
  }, [workspace, instance]);
  const add = () => {
    const made = fresh(null);
    setTabs((before) => [...(before ?? []), made]);
    setCurrent(made.key);
    setWish((before) => before + 1);
  };
  const drop = (key: number) =>
    setTabs((before) => {
      const rest = (before ?? []).filter((tab) => tab.key !== key);
      if (key === current) setCurrent(rest.at(-1)?.key ?? 0);
      return rest;
    });
  const close = async (tab: Tab) => {
    if (tab.session) (await import("./Terminal")).endTerminal(place, tab.session);
    drop(tab.key);
  };
  return (
    <div className={css.terminals} hidden={!isShown}>
      <div className={css.terminalTabs} role="toolbar" aria-label="Terminals">
        {tabs?.map((tab, index) => (
          <span key={tab.key} className={css.terminalTab} data-current={tab.key === current || undefined}>
            <button type="button" aria-pressed={tab.key === current} onClick={() => setCurrent(tab.key)}>
              {index + 1}
            </button>
            <ActionIcon size={24} aria-label={`End terminal ${index + 1}`} onClick={() => void close(tab)}>
              <IconX size={12} stroke={1.75} aria-hidden />
            </ActionIcon>
          </span>
        ))}
        <ActionIcon size={24} aria-label="New terminal" onClick={add}>
          <IconPlus size={15} stroke={1.75} aria-hidden />
        </ActionIcon>
        <span className={css.leaves}>
          <span>Data and database are the instance's own</span>
          <span className={css.keys}>F6 leaves the terminal</span>
        </span>
      </div>
      {tabs?.length === 0 && <p className={css.quietPanel}>No terminal is open.</p>}
      {tabs?.map((tab) => (
        <Terminal
          key={tab.key}
          place={place}
          session={tab.session}
          isShown={isShown && tab.key === current}
          isDeleting={isDeleting}
          focus={focus + wish}
          onSession={(session) =>
            setTabs((before) => (before ?? []).map((one) => (one.key === tab.key ? { ...one, session } : one)))
          }
          onOver={() => drop(tab.key)}
          onOutput={onOutput}
          onLeave={onLeave}
        />
      ))}
    </div>
  );
}
