import { IconPlugConnectedX } from "@tabler/icons-react";
import { useIsLost } from "@/api/connection";
import css from "./frame.module.css";

/** Stands over the page while nothing is heard of the server, and goes by itself. */
export function ConnectionLine() {
  if (!useIsLost()) return null;
  return (
    <div className={css.lost} role="status">
      <IconPlugConnectedX size={15} stroke={1.75} aria-hidden />
      Connection lost, trying again. What is shown may be old.
    </div>
  );
}
