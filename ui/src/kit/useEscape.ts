import { useEffect, useRef } from "react";

// What lies upon each other, the topmost last: Escape closes that one alone.
const layers: { close: () => void }[] = [];

/** Whether Escape is for something within a dialog: what is open over it, or a field whose own list is open. */
function isForInner(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  const opener = "[role=combobox][aria-expanded=true], [aria-haspopup][aria-expanded=true]";
  return (
    target.matches(`${opener}, [data-mantine-stop-propagation=true]`) || target.closest("[data-position]") !== null
  );
}

function hear(event: KeyboardEvent): void {
  if (event.key !== "Escape" || event.isComposing || isForInner(event.target)) return;
  layers.at(-1)?.close();
}

/** Closes a dialog by Escape, where nothing is open over it. The dialog's own way is switched off. */
export function useEscape(isOpen: boolean, close: () => void): void {
  const latest = useRef(close);
  latest.current = close;
  useEffect(() => {
    if (!isOpen) return;
    const layer = { close: () => latest.current() };
    if (layers.push(layer) === 1) window.addEventListener("keydown", hear, { capture: true });
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) window.removeEventListener("keydown", hear, { capture: true });
    };
  }, [isOpen]);
}
