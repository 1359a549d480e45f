import { Button } from "@mantine/core";
import { problemOf } from "@/api/problem";
import { Note } from "@/kit";

/** Why a part of a dialog or a menu isn't there, and asking for it once more. */
export function NotLoaded({ error, again }: { error: Error; again: () => void }) {
  return (
    <Note tone="bad">
      {problemOf(error).detail}{" "}
      <Button variant="transparent" onClick={again}>
        Try again
      </Button>
    </Note>
  );
}
