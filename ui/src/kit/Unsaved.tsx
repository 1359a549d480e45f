import { useBlocker } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { ConfirmDialog } from "./Confirm";

type Place = { pathname: string };
type Words = { title: string; sentence: ReactNode; discard: string };

/**
 * Asks before what isn't saved is lost: `leave` by what closes a dialog, and by itself where the page is left by Back,
 * by a link, or by closing the tab. `question` is shown where it is called.
 */
export function useUnsaved(
  isUnsaved: boolean,
  words: Words,
  onDiscard?: () => void,
): { leave: (go: () => void) => void; question: ReactNode } {
  const [way, setWay] = useState<{ go: () => void } | null>(null);
  const isDecided = useRef(false);
  // What was given up is gone: the next that isn't saved is asked about again.
  useEffect(() => {
    if (!isUnsaved) isDecided.current = false;
  }, [isUnsaved]);
  const isLost = useCallback(
    // What changes of the address alone, as a filter or a line of a log does, leaves what is on the page where it is.
    ({ current, next }: { current: Place; next: Place }) => !isDecided.current && current.pathname !== next.pathname,
    [],
  );
  const isAsked = useCallback(() => !isDecided.current, []);
  const blocked = useBlocker({
    shouldBlockFn: isLost,
    enableBeforeUnload: isAsked,
    disabled: !isUnsaved,
    withResolver: true,
  });
  const keep = () => {
    setWay(null);
    blocked.reset?.();
  };
  const discard = () => {
    isDecided.current = true;
    onDiscard?.();
    setWay(null);
    blocked.proceed?.();
    way?.go();
  };
  return {
    leave: (go) => (isUnsaved ? setWay({ go }) : go()),
    question: (
      <ConfirmDialog
        opened={way !== null || blocked.status === "blocked"}
        onClose={keep}
        title={words.title}
        cancel="Keep editing"
        action={words.discard}
        onConfirm={discard}
      >
        {words.sentence}
      </ConfirmDialog>
    ),
  };
}

/** The same for a form on a page, which nothing but leaving the page takes away. */
export function Unsaved(props: { when: boolean; what: string; onDiscard?: () => void }) {
  const words = {
    title: "Leave without saving?",
    sentence: `${props.what} isn't saved. It is lost when you leave.`,
    discard: "Leave without saving",
  };
  return useUnsaved(props.when, words, props.onDiscard).question;
}
