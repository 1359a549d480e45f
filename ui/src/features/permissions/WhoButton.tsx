import { Button } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import { useWorkspace } from "@/frame/useWorkspace";
import { later } from "@/kit/later";
import type { About } from "./WhoDialog";

const WhoDialog = later(async () => (await import("./WhoDialog")).WhoDialog);

/** For owners: who can do something with this thing. */
export function WhoButton({ about }: { about: About }) {
  const workspace = useWorkspace();
  const [isOpen, setOpen] = useState(false);
  if (!workspace.may.includes("manage")) return null;
  return (
    <>
      <Button leftSection={<IconUsers size={16} stroke={1.75} aria-hidden />} onClick={() => setOpen(true)}>
        Who can…
      </Button>
      {isOpen && <WhoDialog about={about} onClose={() => setOpen(false)} />}
    </>
  );
}
