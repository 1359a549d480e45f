import { Checkbox, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { type Match, searchFiles } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { Note } from "@/kit";
import type { Place } from "./files";
import css from "./ide.module.css";
import { deskKey } from "./useWorkingCopy";

type Props = { place: Place; focus: number; onOpen: (path: string, line: number) => void };
type Asked = { q: string; case?: boolean; words?: boolean; expression?: boolean };

/** Finds text in all files, those that git doesn't know yet too; what git ignores is passed over. */
export function Find({ place, focus, onOpen }: Props) {
  const [text, setText] = useState("");
  const [how, setHow] = useState({ case: false, words: false, expression: false });
  const [asked, setAsked] = useState<Asked | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus > 0) field.current?.select();
  }, [focus]);
  const found = useQuery({
    queryKey: [...deskKey(place), "search", asked],
    queryFn: ({ signal }) => searchFiles(place.workspace, place.instance, asked ?? { q: "" }, { signal }),
    enabled: asked !== null,
    gcTime: 0,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text !== "") setAsked({ q: text, ...how });
  };
  const files = new Map<string, Match[]>();
  for (const match of found.data?.items ?? []) files.set(match.path, [...(files.get(match.path) ?? []), match]);
  const total = found.data?.items.length ?? 0;
  return (
    <div className={css.find}>
      <form onSubmit={submit}>
        <TextInput
          ref={field}
          aria-label="Find in files"
          placeholder="Find in files"
          leftSection={<IconSearch size={15} stroke={1.75} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Checkbox
          label="Match case"
          checked={how.case}
          onChange={(event) => setHow({ ...how, case: event.currentTarget.checked })}
        />
        <Checkbox
          label="Whole words"
          checked={how.words}
          onChange={(event) => setHow({ ...how, words: event.currentTarget.checked })}
        />
        <Checkbox
          label="Regular expression"
          checked={how.expression}
          onChange={(event) => setHow({ ...how, expression: event.currentTarget.checked })}
        />
      </form>
      {found.error && <Note tone="bad">{problemOf(found.error).detail}</Note>}
      <p className={css.quiet} role="status">
        {found.isFetching
          ? "Looking…"
          : found.data
            ? total === 0
              ? "Nothing was found."
              : `${total} ${total === 1 ? "line" : "lines"} in ${files.size} ${files.size === 1 ? "file" : "files"}${found.data.is_cut ? "; there are more" : ""}`
            : "Enter looks through all files but those that git ignores."}
      </p>
      <div className={css.found}>
        {[...files].map(([path, matches]) => (
          <section key={path} aria-label={path}>
            <h3>{path}</h3>
            {matches.map((match) => (
              <button key={`${match.line}:${match.column}`} type="button" onClick={() => onOpen(path, match.line)}>
                <span className="numbers">{match.line}</span>
                <code>{match.text.trim()}</code>
              </button>
            ))}
          </section>
        ))}
      </div>
    </div>
  );
}
