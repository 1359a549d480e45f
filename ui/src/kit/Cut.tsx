import { Tooltip } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import css from "./kit.module.css";

const BY_ITSELF = { hover: false, focus: false, touch: false };
/** Milliseconds that somebody stays before it is told. */
const PAUSE = 250;

type Props = {
  text: string;
  children?: ReactNode;
  className?: string | undefined;
  /** Where the whole of it is told. */
  at?: "top" | "bottom";
};

/**
 * One line that ends where its room does; where it didn't fit, the whole of it is told on hover, and when what it is in
 * has the focus: a link or a button, or else something in its row.
 */
export function Cut({ text, children, className, at = "top" }: Props) {
  const line = useRef<HTMLSpanElement>(null);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const own = line.current;
    if (!own) return;
    const host = own.closest('a, button, [tabindex="0"]') ?? own.closest("tr") ?? own;
    const over = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear = (on: EventTarget, name: string, then: (event: Event) => void) =>
      on.addEventListener(name, then, { signal: over.signal });
    const hide = () => {
      clearTimeout(timer);
      setShown(false);
    };
    const show = () => {
      clearTimeout(timer);
      timer = setTimeout(() => setShown(own.scrollWidth > own.clientWidth), PAUSE);
    };
    hear(own, "mouseenter", show);
    hear(own, "mouseleave", hide);
    hear(host, "focusin", ({ target }) => (target as Element).matches(":focus-visible") && show());
    hear(host, "focusout", hide);
    hear(document, "keydown", (event) => (event as KeyboardEvent).key === "Escape" && hide());
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }, []);
  return (
    <>
      <span ref={line} className={`${css.cut} ${className ?? ""}`}>
        {children ?? text}
      </span>
      {/* There may be hundreds of lines: what tells the whole is made where it is wanted. */}
      {isShown && <Tooltip target={line} label={text} opened events={BY_ITSELF} position={at} />}
    </>
  );
}
