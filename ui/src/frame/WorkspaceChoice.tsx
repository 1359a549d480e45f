import { IconCheck, IconPlus } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { MyWorkspace } from "@/api/nouns";
import { WorkspaceLogo } from "@/kit/Avatar";
import css from "@/kit/choice.module.css";
import { useMine } from "./useMine";

type Props = {
  open: MyWorkspace | null;
  /** Nothing where whoever asks may create none. */
  onCreate?: (() => void) | undefined;
  onChoose: (workspace: MyWorkspace) => void;
};

/** All of one's workspaces, found by typing; the field keeps the focus and takes the keys. */
export function WorkspaceChoice({ open, onChoose, onCreate }: Props) {
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  // It may come after what opened has looked for where the focus belongs.
  useEffect(() => field.current?.focus(), []);
  const { shown, isSearching } = useMine(search);
  const at = Math.min(chosen, Math.max(0, shown.length - 1));
  const go = (to: number) => {
    setChosen(to);
    document.getElementById(`${list}-${to}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKey = (event: KeyboardEvent) => {
    const last = shown.length - 1;
    const to = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at === 0 ? last : at - 1, End: last, Home: 0 }[
      event.key
    ];
    if (to !== undefined && last >= 0) {
      event.preventDefault();
      go(to);
    }
    const found = shown[at];
    if (event.key === "Enter" && found) {
      event.preventDefault();
      onChoose(found);
    }
  };
  return (
    <>
      <input
        ref={field}
        data-autofocus
        className={css.search}
        role="combobox"
        aria-label="Find a workspace"
        aria-expanded={shown.length > 0}
        aria-controls={shown.length ? list : undefined}
        aria-activedescendant={shown.length ? `${list}-${at}` : undefined}
        placeholder="Find a workspace"
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
      />
      <div id={list} role="listbox" aria-label="My workspaces" className={css.list} hidden={shown.length === 0}>
        {shown.map((mine, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and takes the keys
          <div
            key={mine.id}
            id={`${list}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className={css.item}
            onClick={() => onChoose(mine)}
            onMouseMove={() => setChosen(index)}
          >
            <WorkspaceLogo name={mine.name} url={mine.logo_url} size={26} of={mine.primary_color} />
            <span className={css.name} title={mine.name}>
              {mine.name}
            </span>
            {mine.id === open?.id && (
              <>
                <span className="visually-hidden">, open now</span>
                <IconCheck size={15} stroke={1.75} aria-hidden />
              </>
            )}
          </div>
        ))}
      </div>
      {shown.length === 0 && <div className={css.none}>{isSearching ? "Looking" : "None of this name"}</div>}
      {onCreate && (
        <button type="button" className={css.create} onClick={onCreate}>
          <IconPlus size={16} stroke={1.75} aria-hidden />
          Create Workspace
        </button>
      )}
    </>
  );
}
