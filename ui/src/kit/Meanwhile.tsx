import { Button } from "@mantine/core";
import { Note } from "./Status";

/** Says in a form that others have saved while it was filled in. */
export function Meanwhile({ what, drop }: { what: string; drop: () => void }) {
  return (
    <Note tone="warn">
      Somebody changed {what} meanwhile. What you save replaces that.{" "}
      <Button variant="transparent" onClick={drop}>
        Drop mine, and show what is saved
      </Button>
    </Note>
  );
}
