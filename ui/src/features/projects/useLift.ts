// Lifting a branch: by pointer or by keys, over another branch or over a column. What it means is the board's.

import { type PointerEvent, useCallback, useEffect, useRef, useState } from "react";
import type { Stage } from "@/api/nouns";

/** Where a branch may be put down: another branch's card, or a column. */
export type Place = { stage: Stage; branch?: string };
export type Lift = {
  branch: string;
  /** The column of the card that was lifted. */
  from: Stage;
  over: Place | null;
  by: "pointer" | "keys";
};

/** A pointer that moves less than this clicks. */
const THRESHOLD = 6;

export const same = (one: Place | null, other: Place | null) =>
  one?.stage === other?.stage && one?.branch === other?.branch;

/** What an element of the board stands for. */
const placeOf = (element: Element | null): Place | null => {
  const found = element?.closest<HTMLElement>("[data-stage]");
  if (!found) return null;
  const { stage, branch } = found.dataset as { stage: Stage; branch?: string };
  return branch === undefined ? { stage } : { stage, branch };
};

export function placeElement({ stage, branch }: Place): HTMLElement | null {
  const own = branch === undefined ? ":not([data-branch])" : `[data-branch=${CSS.escape(branch)}]`;
  return document.querySelector<HTMLElement>(`[data-stage=${stage}]${own}`);
}

type Wish = {
  /** Whether the branch may be put down there. */
  fits: (branch: string, place: Place) => boolean;
  /** All places, in the order of the arrows. */
  places: Place[];
  onDrop: (branch: string, place: Place) => void;
};

export function useLift({ fits, places, onDrop }: Wish) {
  const [lift, setLift] = useState<Lift | null>(null);
  /** The dragged card follows the pointer without being drawn anew. */
  const ghost = useRef<HTMLDivElement>(null);
  const at = useRef({ x: 0, y: 0, dx: 0, dy: 0, width: 0 });
  const latest = useRef({ fits, places, onDrop, lift });
  latest.current = { fits, places, onDrop, lift };

  const follow = useCallback(() => {
    const { x, y, dx, dy, width } = at.current;
    const element = ghost.current;
    if (!element) return;
    element.style.width = `${width}px`;
    element.style.transform = `translate(${x - dx}px, ${y - dy}px) rotate(1.6deg)`;
  }, []);

  const drop = useCallback(() => {
    const { lift, onDrop } = latest.current;
    setLift(null);
    if (lift?.over) onDrop(lift.branch, lift.over);
  }, []);

  const grab = useCallback(
    (branch: string, from: Stage, event: PointerEvent<HTMLElement>) => {
      // A finger scrolls; what is done by touch is done by form.
      if (event.button !== 0 || event.pointerType === "touch") return;
      const inner = (event.target as Element).closest("a, button");
      if (inner && !inner.hasAttribute("data-lift")) return;
      const card = event.currentTarget;
      const box = card.getBoundingClientRect();
      const begun = { x: event.clientX, y: event.clientY };
      at.current = { ...begun, dx: begun.x - box.left, dy: begun.y - box.top, width: box.width };
      const ends = new AbortController();
      let isLifted = false;
      const move = (moved: globalThis.PointerEvent) => {
        at.current = { ...at.current, x: moved.clientX, y: moved.clientY };
        if (!isLifted) {
          if (Math.hypot(moved.clientX - begun.x, moved.clientY - begun.y) < THRESHOLD) return;
          isLifted = true;
          window.getSelection()?.removeAllRanges();
        }
        moved.preventDefault();
        follow();
        const place = placeOf(document.elementFromPoint(moved.clientX, moved.clientY));
        const over = place && latest.current.fits(branch, place) ? place : null;
        setLift((before) => (before && same(before.over, over) ? before : { branch, from, over, by: "pointer" }));
      };
      const end = (isDropped: boolean) => {
        ends.abort();
        if (isLifted && isDropped) drop();
        else setLift(null);
      };
      const { signal } = ends;
      window.addEventListener("pointermove", move, { signal });
      window.addEventListener("pointerup", () => end(true), { signal });
      window.addEventListener("pointercancel", () => end(false), { signal });
      window.addEventListener("keydown", ({ key }) => key === "Escape" && end(false), { signal, capture: true });
    },
    [drop, follow],
  );

  const byKeys = lift?.by === "keys";
  useEffect(() => {
    if (!byKeys) return;
    const hear = (event: KeyboardEvent) => {
      const { lift, places, fits } = latest.current;
      if (!lift) return;
      const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
      const step = steps[event.key];
      if (step !== undefined) {
        const open = places.filter((place) => fits(lift.branch, place));
        const now = open.findIndex((place) => same(place, lift.over));
        const next = now < 0 ? (step > 0 ? 0 : open.length - 1) : (now + step + open.length) % open.length;
        const over = open[next] ?? null;
        setLift({ ...lift, over });
        if (over) placeElement(over)?.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else if (event.key === "Enter" && lift.over) drop();
      else if (event.key === "Escape" || event.key === " " || event.key === "Tab") setLift(null);
      else return;
      if (event.key === "Tab") return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener("keydown", hear, { capture: true });
    return () => window.removeEventListener("keydown", hear, { capture: true });
  }, [byKeys, drop]);

  const liftByKeys = (branch: string, from: Stage) => setLift({ branch, from, over: null, by: "keys" });
  return { lift, ghost, follow, grab, liftByKeys };
}
