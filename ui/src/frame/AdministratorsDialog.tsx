import { Button } from "@mantine/core";
import { useMe } from "@/api/queries";
import { Dialog, Note } from "@/kit";

type Props = {
  /** What administrators alone do: "open these pages". */
  what: string;
  onClose: () => void;
};

/** Why something of the installation is refused: who administers it, and who can change that. */
export function AdministratorsDialog({ what, onClose }: Props) {
  const email = useMe().data?.email;
  return (
    <Dialog
      opened
      onClose={onClose}
      title={`Why may I not ${what}?`}
      size={560}
      foot={<Button onClick={onClose}>Close</Button>}
    >
      <div style={{ display: "grid", gap: 16 }}>
        <Note tone="bad">
          <strong>Not an administrator.</strong> Only the administrators of this installation {what}, and{" "}
          {email ?? "your account"} isn't one of them. What you are in a workspace makes no difference: its owners don't
          administer the installation either.
        </Note>
        <p style={{ margin: 0, color: "var(--text2)" }}>
          Ask whoever keeps the machine that Stoa runs on. There, this makes you an administrator:{" "}
          <code style={{ overflowWrap: "anywhere" }}>stoa admin make-administrator {email}</code>
        </p>
      </div>
    </Dialog>
  );
}
