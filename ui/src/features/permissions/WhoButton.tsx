import { Button } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import { useWorkspace } from "@/frame/useWorkspace";
import { later } from "@/kit/later";
import { type About, WhyButton } from "@/kit/Why";

const WhoDialog = later(async () => (await import("./WhoDialog")).WhoDialog);

/** For owners, who can do something with this thing; for others, what they themselves can, and why. */
export function WhoButton({ about }: { about: About }) {
  const workspace = useWorkspace();
  const [isOpen, setOpen] = useState(false);
  if (!workspace.may.includes("manage")) return <WhyButton about={about} variant="default" />;
  return (
    <>
      <Button leftSection={<IconUsers size={16} stroke={1.75} aria-hidden />} onClick={() => setOpen(true)}>
        Who can…
      </Button>
      {isOpen && <WhoDialog about={about} onClose={() => setOpen(false)} />}
    </>
  );
}
