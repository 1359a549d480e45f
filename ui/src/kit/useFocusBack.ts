import { useLayoutEffect } from "react";

/** Where the focus goes back to: what has it now, or of a menu, which closes by itself, what opened it. */
function origin(): HTMLElement | null {
  const focused = document.activeElement;
  if (!(focused instanceof HTMLElement) || focused === document.body) return null;
  const opener = focused.closest("[role=menu]")?.getAttribute("aria-labelledby");
  return (opener ? document.getElementById(opener) : null) ?? focused;
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
        if (before?.isConnected) before.focus({ preventScroll: true });
        else if (!now || now === document.body) document.getElementById("main")?.focus({ preventScroll: true });
      });
    };
  }, [isOpen]);
}
