import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { makeFolder, renameFile } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { Dialog, WaitingButton } from "@/kit";
import { type Place, within, writeFile } from "./files";

export type Naming = { what: "new" | "folder"; folder: string } | { what: "rename"; path: string };

type Props = {
  place: Place;
  naming: Naming;
  onClose: () => void;
  onDone: (path: string, before: string | null) => void;
};

const words = {
  new: { title: "New file", action: "Make file", label: "Its path" },
  folder: { title: "New folder", action: "Make folder", label: "Its path" },
  rename: { title: "Rename or move", action: "Rename", label: "Its new path" },
};

/** Asks for a path. Folders on the way are made; what is there is never replaced. */
export function NameDialog({ place, naming, onClose, onDone }: Props) {
  const before = naming.what === "rename" ? naming.path : null;
  const [path, setPath] = useState(before ?? (naming.what === "rename" ? "" : within(naming.folder, "")));
  const name = useMutation({
    mutationFn: async (wanted: string) => {
      const { workspace, instance } = place;
      if (naming.what === "rename") await renameFile(workspace, instance, naming.path, { path: wanted });
      else if (naming.what === "folder") await makeFolder(workspace, instance, { folder: wanted });
      else await writeFile(place, wanted, new Blob([]), { isNew: true });
      return wanted;
    },
    onSuccess: (wanted) => onDone(wanted, before),
  });
  const said = words[naming.what];
  const wanted = path.trim().replace(/^\/+|\/+$/g, "");
  return (
    <Dialog
      opened
      onClose={onClose}
      title={said.title}
      onSubmit={() => wanted !== "" && wanted !== before && name.mutate(wanted)}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            loading={name.isPending}
            why={wanted === "" || wanted === before ? "Enter a path first" : undefined}
          >
            {said.action}
          </WaitingButton>
        </>
      }
    >
      <TextInput
        label={said.label}
        description="Folders are parted by a slash; those that aren't there are made."
        value={path}
        error={name.error ? problemOf(name.error).detail : undefined}
        onChange={(event) => setPath(event.currentTarget.value)}
        spellCheck={false}
        autoComplete="off"
        data-autofocus
      />
    </Dialog>
  );
}
