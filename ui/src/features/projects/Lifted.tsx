// What is seen while a branch is lifted: the card under the pointer, and beside the target what putting it down would do.

import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { MergeSummary, sayMerge } from "./MergeSummary";
import css from "./merge.module.css";
import { useMergePreview } from "./merging";
import { type Lift, placeElement } from "./useLift";

/** A target that is only passed over isn't asked about. */
const RESTS = 160;

type Props = {
  workspace: string;
  project: string;
  lift: Lift;
  ghost: RefObject<HTMLDivElement | null>;
  onShown: () => void;
  /** The card. */
  children: ReactNode;
};

export function Lifted({ workspace, project, lift, ghost, onShown, children }: Props) {
  const target = useRested(lift.over?.branch);
  const preview = useMergePreview(workspace, project, lift.branch, target);
  useLayoutEffect(onShown);
  const isByKeys = lift.by === "keys";
  const said = !lift.over
    ? isByKeys
      ? `${lift.branch} is lifted. Arrows choose where it goes, Enter reviews, Escape puts it back.`
      : ""
    : lift.over.branch === undefined
      ? `A new instance of ${lift.branch} in ${lift.over.stage}. Enter opens the form.`
      : lift.over.branch === target
        ? sayMerge(lift.branch, target, preview)
        : "";
  return createPortal(
    <>
      <div role="status" className="visually-hidden">
        {said}
      </div>
      {!isByKeys && (
        <div ref={ghost} className={css.ghost} aria-hidden inert>
          {children}
        </div>
      )}
      {lift.over?.branch && (
        <Beside at={lift.over} key={`${lift.over.stage} ${lift.over.branch}`}>
          <MergeSummary source={lift.branch} target={lift.over.branch} preview={preview} brief />
          <div className={css.foot}>
            <span>{isByKeys ? "Enter reviews." : "Drop to review."} Nothing is merged yet.</span>
            <span>
              <kbd>Esc</kbd> cancel
            </span>
          </div>
        </Beside>
      )}
      {lift.over && lift.over.branch === undefined && (
        <Beside at={lift.over} key={lift.over.stage}>
          <div className={css.foot}>
            <span>
              {isByKeys ? "Enter opens" : "Drop to open"} the form of a new instance of <strong>{lift.branch}</strong>.
            </span>
          </div>
        </Beside>
      )}
    </>,
    document.body,
  );
}

function useRested(value: string | undefined): string {
  const [rested, setRested] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setRested(value ?? ""), value === undefined ? 0 : RESTS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

const GAP = 10;

/** Beside a place of the board, on whichever side it fits, without moving anything. */
function Beside({ at, children }: { at: NonNullable<Lift["over"]>; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const place = placeElement(at)?.getBoundingClientRect();
    const own = box.current;
    if (!place || !own) return;
    const { width, height } = own.getBoundingClientRect();
    const isColumn = at.branch === undefined;
    const left = place.left - width - GAP >= 8 ? place.left - width - GAP : place.right + GAP;
    const x = isColumn ? place.left + (place.width - width) / 2 : Math.min(left, window.innerWidth - width - 8);
    const y = isColumn ? window.innerHeight - height - 24 : Math.min(place.top, window.innerHeight - height - 8);
    own.style.left = `${Math.max(8, x)}px`;
    own.style.top = `${Math.max(8, y)}px`;
  });
  return (
    <div ref={box} className={css.beside} aria-hidden>
      {children}
    </div>
  );
}
