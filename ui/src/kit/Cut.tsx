import { Tooltip } from "@mantine/core";
import { type ReactNode, useState } from "react";
import css from "./kit.module.css";

/** One line that ends where its room does; the whole of it is told on hover and focus, where it didn't fit. */
export function Cut({ text, children, className }: { text: string; children?: ReactNode; className?: string }) {
  const [isCut, setCut] = useState(false);
  const look = ({ currentTarget }: { currentTarget: HTMLElement }) =>
    setCut(currentTarget.scrollWidth > currentTarget.clientWidth);
  return (
    <Tooltip label={text} disabled={!isCut} events={{ hover: true, focus: true, touch: true }}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it does nothing, it only looks whether it fits */}
      <span className={`${css.cut} ${className ?? ""}`} onMouseEnter={look} onFocus={look}>
        {children ?? text}
      </span>
    </Tooltip>
  );
}
