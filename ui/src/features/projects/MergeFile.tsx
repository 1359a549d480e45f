// A file of a merge's preview, which opens to what the source changed in it.

import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { type ChangedFile, viewDifference } from "@/api/generated";
import { useObject } from "@/api/queries";
import { Failed, LoadingRows } from "@/kit";
import { FileLines, nameOf } from "./FileLines";
import css from "./merge.module.css";

/** Two branches, and where they stood when they were compared. */
export type Compared = { workspace: string; project: string; source: string; target: string; at: string };

export function MergeFile({ file, of, children }: { file: ChangedFile; of: Compared; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <>
      <button type="button" className={css.opens} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Chevron size={15} stroke={1.75} className={css.icon ?? ""} aria-hidden />
        {children}
      </button>
      {isOpen && <Difference file={file} of={of} />}
    </>
  );
}

function Difference({ file, of }: { file: ChangedFile; of: Compared }) {
  const { workspace, project, source, target, at } = of;
  // One answer has all files.
  const found = useObject(workspace, "projects", `/projects/${project}/difference ${at}`, (init) =>
    viewDifference(workspace, project, { source, target }, init),
  );
  const here = found.data?.files.find(({ path }) => path === file.path);
  return (
    <section className={css.difference} aria-label={`What changes in ${nameOf(file)}`}>
      {found.error && <Failed error={found.error} inline />}
      {found.isPending && <LoadingRows rows={3} />}
      {here && <FileLines file={here} />}
      {found.data && !here && (
        <p className={css.none}>
          {found.data.file_count > found.data.files.length
            ? "There are too many files to show this one's lines."
            : `${source} didn't change this file: it differs because of what ${target} has.`}
        </p>
      )}
    </section>
  );
}
