import { type ComponentProps, useRef } from "react";
import { later } from "./later";

const Loaded = later(async () => (await import("./Dialog")).ConfirmDialog);

/** For what can't be undone. Loaded when it is first opened. */
export function ConfirmDialog(props: ComponentProps<typeof Loaded>) {
  // Once it was open it stays, closed: it gives the focus back by itself.
  const wasOpened = useRef(false);
  wasOpened.current ||= props.opened;
  return wasOpened.current ? <Loaded {...props} /> : null;
}
