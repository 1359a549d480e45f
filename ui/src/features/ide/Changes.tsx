import { ActionIcon, Button, Checkbox } from "@mantine/core";
import { IconArrowBackUp, IconFileDiff } from "@tabler/icons-react";
import { useState } from "react";
import { type Change, removeFile, stageFiles, type WorkingCopy } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { ConfirmDialog, Note, WaitingButton } from "@/kit";
import type { Place } from "./files";
import css from "./ide.module.css";
import { isStaged, letterOf, meaning } from "./letters";

type Props = {
  place: Place;
  copy: WorkingCopy;
  onCompare: (path: string) => void;
  onDone: (taken: string | null) => void;
};

type Order = { do: "stage" | "unstage" | "discard"; paths: string[] };

/** What differs from the last commit: staged for the next, or taken back. */
export function Changes({ place, copy, onCompare, onDone }: Props) {
  const [taken, setTaken] = useState<Change | null>(null);
  const stage = useMutation({
    mutationFn: (order: Order) => stageFiles(place.workspace, place.instance, order),
    onSettled: () => onDone(null),
  });
  const takeBack = useMutation({
    mutationFn: async (change: Change) => {
      const path = change.path.replace(/\/$/, "");
      if (letterOf(change) !== "A") {
        await stageFiles(place.workspace, place.instance, { do: "discard", paths: [change.path] });
        return;
      }
      if (change.staged === "A") await stageFiles(place.workspace, place.instance, { do: "unstage", paths: [path] });
      await removeFile(place.workspace, place.instance, path);
    },
    onSuccess: (_, change) => {
      setTaken(null);
      onDone(change.path);
    },
  });
  const problem = stage.error ? problemOf(stage.error) : null;
  if (copy.changes.length === 0)
    return <p className={css.quietPanel}>Nothing differs from the last commit of your working copy.</p>;
  const staged = copy.changes.filter(isStaged).length;
  return (
    <div className={css.changes}>
      <div className={css.changesHead}>
        <span className={css.quiet}>
          {staged} of {copy.changes.length} staged{copy.is_cut ? "; there are more than are shown" : ""}
        </span>
        <Button size="xs" onClick={() => stage.mutate({ do: "stage", paths: [] })}>
          Stage all
        </Button>
        <WaitingButton
          size="xs"
          why={staged === 0 ? "Nothing is staged" : undefined}
          onClick={() => stage.mutate({ do: "unstage", paths: [] })}
        >
          Unstage all
        </WaitingButton>
      </div>
      {problem && <Note tone="bad">{problem.detail}</Note>}
      <ul aria-label="Changes">
        {copy.changes.map((change) => {
          const letter = letterOf(change);
          return (
            <li key={change.path} data-letter={letter}>
              <Checkbox
                checked={isStaged(change)}
                indeterminate={isStaged(change) && change.unstaged !== "."}
                aria-label={`Stage ${change.path}`}
                onChange={(event) =>
                  stage.mutate({ do: event.currentTarget.checked ? "stage" : "unstage", paths: [change.path] })
                }
              />
              <span className={css.letter} title={meaning[letter]}>
                <span aria-hidden>{letter}</span>
                <span className="visually-hidden">{meaning[letter]}</span>
              </span>
              <button
                type="button"
                className={css.changePath}
                disabled={letter === "D" || change.path.endsWith("/")}
                onClick={() => onCompare(change.path)}
              >
                {change.from ? `${change.from} → ${change.path}` : change.path}
              </button>
              {letter !== "D" && !change.path.endsWith("/") && (
                <ActionIcon
                  size={24}
                  aria-label={`Compare ${change.path} with ${copy.branch}`}
                  onClick={() => onCompare(change.path)}
                >
                  <IconFileDiff size={15} stroke={1.75} aria-hidden />
                </ActionIcon>
              )}
              <ActionIcon size={24} aria-label={`Take back ${change.path}`} onClick={() => setTaken(change)}>
                <IconArrowBackUp size={15} stroke={1.75} aria-hidden />
              </ActionIcon>
            </li>
          );
        })}
      </ul>
      <ConfirmDialog
        opened={taken !== null}
        onClose={() => setTaken(null)}
        title={taken && letterOf(taken) === "A" ? "Delete a new file" : "Take back changes"}
        action={taken && letterOf(taken) === "A" ? "Delete" : "Take back"}
        busy={takeBack.isPending}
        problem={takeBack.error ? problemOf(takeBack.error) : null}
        onConfirm={() => taken && takeBack.mutate(taken)}
      >
        {taken && letterOf(taken) === "A"
          ? `${taken.path} was never committed: it can't be brought back.`
          : `${taken?.path} goes back to what the last commit has. What was changed since is lost.`}
      </ConfirmDialog>
    </div>
  );
}
