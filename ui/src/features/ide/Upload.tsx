// Files that are chosen or dropped: what is new is written at once, and what is there already is asked about.

import { useState } from "react";
import { Problem, problemOf } from "@/api/problem";
import { ConfirmDialog } from "@/kit";
import { type Place, tagOf, within, writeFile } from "./files";

/** One whose name is taken by a file, and the tag of that one as it was when that was found. */
type Taken = { file: File; path: string; etag: string | null };

/** As many are named; the others are counted. */
const NAMED = 5;

type Wish = {
  place: Place;
  /** Once what could be written is. */
  onDone: (replaced: string[]) => void;
  onProblem: (problem: Problem | null) => void;
};

export function useUpload({ place, onDone, onProblem }: Wish) {
  const [taken, setTaken] = useState<Taken[]>([]);
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);

  // One that is refused is named, and keeps none of the others from coming.
  const tell = (refused: [string, Problem][]) => {
    const first = refused[0]?.[1];
    const detail = refused.map(([path, problem]) => `${path}: ${problem.detail}`).join(" ");
    onProblem(first ? new Problem({ status: first.status, code: first.code, title: first.title, detail }) : null);
  };

  const upload = async (folder: string, files: File[]) => {
    onProblem(null);
    const found: Taken[] = [];
    const refused: [string, Problem][] = [];
    for (const file of files) {
      const path = within(folder, file.name);
      try {
        await writeFile(place, path, file, { isNew: true });
      } catch (error) {
        const problem = problemOf(error);
        // What has a tag is a file. Of a folder, a link or a lost connection it is said as it is.
        const etag = problem.status === 409 ? await tagOf(place, path).catch(() => null) : null;
        if (etag) found.push({ file, path, etag });
        else refused.push([path, problem]);
      }
    }
    tell(refused);
    setTaken(found);
    setAsked(found.length > 0);
    onDone([]);
  };

  const replace = async () => {
    setBusy(true);
    const refused: [string, Problem][] = [];
    const replaced: string[] = [];
    for (const { file, path, etag } of taken)
      await writeFile(place, path, file, { etag }).then(
        () => replaced.push(path),
        (error: unknown) => refused.push([path, problemOf(error)]),
      );
    setBusy(false);
    setAsked(false);
    tell(refused);
    onDone(replaced);
  };

  const isOne = taken.length === 1;
  const named = taken.slice(0, NAMED).map(({ path }) => path);
  const others = taken.length - named.length;
  const last = others > 0 ? `${others} more` : named.length > 1 ? named.pop() : undefined;
  const question = (
    <ConfirmDialog
      opened={isAsked}
      onClose={() => setAsked(false)}
      title={isOne ? "Replace a file?" : `Replace ${taken.length} files?`}
      cancel={isOne ? "Keep what is there" : "Keep those that are there"}
      action="Replace"
      busy={isBusy}
      onConfirm={() => void replace()}
    >
      <span style={{ overflowWrap: "anywhere" }}>
        {named.join(", ")}
        {last && ` and ${last}`} {isOne ? "is" : "are"} there already. What was committed of {isOne ? "it" : "them"} can
        be taken back; what wasn't is lost.
      </span>
    </ConfirmDialog>
  );
  return { upload, question };
}
