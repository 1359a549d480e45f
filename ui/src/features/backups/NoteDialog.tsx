import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { createBackup } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Dialog, Note } from "@/kit";
import { AFTER } from "./queries";

/** A backup by hand, with what it is made for. */
export function NoteDialog(props: { workspace: string; instance: Instance; onClose: () => void }) {
  const [note, setNote] = useState("");
  const create = useAct<void>(props.workspace, {
    act: () => createBackup(props.workspace, props.instance.id, note.trim() ? { note: note.trim() } : {}),
    nouns: [...AFTER],
    onDone: props.onClose,
  });
  const problem = create.error;
  const ofNote = problem?.field("note");
  return (
    <Dialog
      opened
      onClose={props.onClose}
      title={`Back up ${props.instance.name}`}
      sentence="It is kept until somebody deletes it. Its note stands beside it in the list."
      unsaved={note !== ""}
      onSubmit={() => create.mutate()}
      foot={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" variant="filled" loading={create.isPending}>
            Back up
          </Button>
        </>
      }
    >
      <TextInput
        label="Note"
        placeholder="Before the move to the new shop"
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        error={ofNote}
        maxLength={200}
      />
      {problem && !ofNote && <Note tone="bad">{problem.detail}</Note>}
    </Dialog>
  );
}
