import { Tooltip } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import css from "./kit.module.css";

const BY_ITSELF = { hover: false, focus: false, touch: false };

/**
 * One line that ends where its room does; where it didn't fit, the whole of it is told on hover, and when what it is in
 * has the focus.
 */
export function Cut({ text, children, className }: { text: string; children?: ReactNode; className?: string }) {
  const line = useRef<HTMLSpanElement>(null);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const own = line.current;
    if (!own) return;
    const host = own.closest('a, button, [tabindex="0"]') ?? own;
    const over = new AbortController();
    const hear = (on: EventTarget, name: string, then: (event: Event) => void) =>
      on.addEventListener(name, then, { signal: over.signal });
    const show = () => setShown(own.scrollWidth > own.clientWidth);
    const hide = () => setShown(false);
    hear(own, "mouseenter", show);
    hear(own, "mouseleave", hide);
    hear(host, "focus", () => host.matches(":focus-visible") && show());
    hear(host, "blur", hide);
    hear(document, "keydown", (event) => (event as KeyboardEvent).key === "Escape" && hide());
    return () => over.abort();
  }, []);
  return (
    <Tooltip label={text} opened={isShown} events={BY_ITSELF} transitionProps={{ enterDelay: 250 }}>
      <span ref={line} className={`${css.cut} ${className ?? ""}`}>
        {children ?? text}
      </span>
    </Tooltip>
  );
}
