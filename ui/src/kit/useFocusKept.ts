import { useEffect } from "react";

let last: EventTarget | null = null;
document.addEventListener("focusin", ({ target }) => {
  last = target;
});

/** For what takes a page's place by itself: the focus that was on it goes on to what is there instead. */
export function useFocusKept(isWhole: boolean): void {
  useEffect(() => {
    const isLost = last instanceof Node && !last.isConnected && document.activeElement === document.body;
    if (isWhole && isLost) document.getElementById("main")?.focus({ preventScroll: true });
  }, [isWhole]);
}
