import { useBlocker } from "@tanstack/react-router";
import { ConfirmDialog } from "./Confirm";

/** Asks before a page is left on which something isn't saved. Another tab or line of the same page is no other page. */
export function Unsaved({ what }: { what: string }) {
  const leaving = useBlocker({
    shouldBlockFn: ({ current, next }) => current.pathname !== next.pathname,
    enableBeforeUnload: true,
    withResolver: true,
  });
  if (leaving.status !== "blocked") return null;
  return (
    <ConfirmDialog
      opened
      onClose={leaving.reset}
      title="Leave without saving?"
      action="Leave without saving"
      onConfirm={leaving.proceed}
    >
      {what} isn't saved. It is lost when you leave.
    </ConfirmDialog>
  );
}
