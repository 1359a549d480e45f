import { useLayoutEffect } from "react";

/** What had the focus last: it may have gone, with a menu, before what it opened is loaded. */
let last: EventTarget | null = null;
document.addEventListener("focusin", ({ target }) => {
  last = target;
});

/** Where the focus goes back to: what has it now, or of a menu, which closes by itself, what opened it. */
function origin(): HTMLElement | null {
  const now = document.activeElement;
  const focused = !now || now === document.body ? last : now;
  if (!(focused instanceof HTMLElement) || focused === document.body) return null;
  const opener = focused.closest("[role=menu]")?.getAttribute("aria-labelledby");
  return (opener ? document.getElementById(opener) : null) ?? focused;
}

/**
 * The focus for what something was done to, which may go a moment later: then what it stood in has it, a dialog that is
 * open still or the page.
 */
function give(to: HTMLElement): void {
  const dialog = to.closest<HTMLElement>("[role=dialog]");
  to.focus({ preventScroll: true });
  const stop = () => {
    gone.disconnect();
    document.removeEventListener("focusin", stop);
  };
  const gone = new MutationObserver(() => {
    if (to.isConnected) return;
    stop();
    const now = document.activeElement;
    const next = dialog?.isConnected ? dialog : document.getElementById("main");
    if (!now || now === document.body) next?.focus({ preventScroll: true });
  });
  gone.observe(document.body, { childList: true, subtree: true });
  document.addEventListener("focusin", stop);
}

/** Gives the focus back to where it was before something opened, when that closes or goes. */
export function useFocusBack(isOpen: boolean): void {
  useLayoutEffect(() => {
    if (!isOpen) return;
    const before = origin();
    return () => {
      // After what closes has let the focus go; not where it was put somewhere on purpose meanwhile.
      setTimeout(() => {
        const now = document.activeElement;
        const isFree = !now || now === document.body || now.closest("[role=dialog]") !== null;
        if (!isFree) return;
        if (before?.isConnected) give(before);
        else if (!now || now === document.body) document.getElementById("main")?.focus({ preventScroll: true });
      });
    };
  }, [isOpen]);
}
