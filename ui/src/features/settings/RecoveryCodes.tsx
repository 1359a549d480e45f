import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { CodeToCopy, Dialog } from "@/kit";

/** Shown once, so leaving it wants a click that says they are kept. */
export function RecoveryCodes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const text = codes.join("\n");
  const download = () => {
    const file = URL.createObjectURL(new Blob([`Recovery codes of Stoa at ${location.host}\n\n${text}\n`]));
    const link = document.createElement("a");
    link.href = file;
    link.download = "stoa-recovery-codes.txt";
    link.click();
    URL.revokeObjectURL(file);
  };
  return (
    <Dialog
      opened
      onlyByButton
      onClose={onClose}
      size={480}
      title="Keep your recovery codes"
      sentence="Each stands in for your second factor once. They are shown this once."
      foot={
        <>
          <Button onClick={download} leftSection={<IconDownload size={16} stroke={1.75} />}>
            Save as a file
          </Button>
          <Button variant="filled" onClick={onClose}>
            I have kept them
          </Button>
        </>
      }
    >
      <CodeToCopy text={text} label="Copy the codes" />
    </Dialog>
  );
}
