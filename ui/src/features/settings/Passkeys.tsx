import { Button } from "@mantine/core";
import { IconFingerprint } from "@tabler/icons-react";
import { useState } from "react";
import { usePasskeys } from "@/api/accountQueries";
import { addPasskey, beginPasskey, removePasskey, renamePasskey } from "@/api/generated";
import type { Passkey } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { hasPasskeys, makePasskey } from "@/features/session/passkey";
import { ConfirmDialog, More, NameDialog, Time, WaitingButton } from "@/kit";
import { browserOf } from "./browser";
import { Closes } from "./Closes";
import type { FactorProps } from "./Security";
import { refreshFactors } from "./secondFactor";
import css from "./settings.module.css";
import { toldOf } from "./useConfirmed";

export function Passkeys({ seen, confirmed, onCodes }: FactorProps) {
  const passkeys = usePasskeys();
  const [isAdding, setAdding] = useState(false);
  const [renaming, setRenaming] = useState<Passkey | null>(null);
  const [removing, setRemoving] = useState<Passkey | null>(null);
  const remove = useMutation<unknown, Problem, Passkey>({
    mutationFn: ({ id }) => confirmed(() => removePasskey(id)),
    onSuccess: () => {
      setRemoving(null);
      return refreshFactors();
    },
  });
  const against = seen.no_passkeys ?? (hasPasskeys() ? null : "This browser, at this address, has no passkeys.");
  return (
    <>
      <div className={css.line}>
        <IconFingerprint size={20} stroke={1.75} aria-hidden />
        <div className={css.grow}>
          <div className={css.strong}>Passkeys</div>
          <div className={css.small}>
            {against ?? "Your fingerprint, your face, or a security key. Nobody can copy what they show."}
          </div>
        </div>
        <WaitingButton why={against ?? undefined} onClick={() => setAdding(true)}>
          Add a passkey
        </WaitingButton>
      </div>
      {passkeys.items?.map((passkey) => (
        <div key={passkey.id} className={`${css.line} ${css.inner}`}>
          <div className={css.grow}>
            <div className={css.strong}>{passkey.name}</div>
            <div className={css.small}>
              Made <Time at={passkey.created_at} />,{" "}
              {passkey.last_used_at ? (
                <>
                  last used <Time at={passkey.last_used_at} />
                </>
              ) : (
                "not used yet"
              )}
            </div>
          </div>
          <Button onClick={() => setRenaming(passkey)} aria-label={`Rename ${passkey.name}`}>
            Rename
          </Button>
          <Button onClick={() => setRemoving(passkey)} aria-label={`Remove ${passkey.name}`}>
            Remove
          </Button>
        </div>
      ))}
      <More {...passkeys} />
      {isAdding && <Add confirmed={confirmed} onClose={() => setAdding(false)} onCodes={onCodes} />}
      {renaming && <Rename passkey={renaming} onClose={() => setRenaming(null)} />}
      {removing && (
        <ConfirmDialog
          opened
          onClose={() => setRemoving(null)}
          title={`Remove the passkey ${removing.name}?`}
          action="Remove the passkey"
          busy={remove.isPending}
          problem={toldOf(remove.error)}
          onConfirm={() => remove.mutate(removing)}
        >
          {seen.passkeys === 1 && seen.authenticator_since === null
            ? "It is your only second factor: signing in then asks for the password alone, and your recovery codes work no more."
            : "It can't be used to sign in any more. Your device may still show it; remove it there too."}
          {seen.passkeys === 1 && seen.authenticator_since === null && <Closes demandedBy={seen.demanded_by} />}
        </ConfirmDialog>
      )}
    </>
  );
}

const KNOWN_BY = "By which you know it again: the device, or the key.";

type AddProps = Pick<FactorProps, "confirmed" | "onCodes"> & { onClose: () => void };

function Add({ confirmed, onClose, onCodes }: AddProps) {
  const [name, setName] = useState(() => browserOf(navigator.userAgent));
  const add = useMutation<Passkey, Problem>({
    mutationFn: async () => {
      const asked = await confirmed(beginPasskey);
      const made = await makePasskey(asked, name.trim());
      return confirmed(() => addPasskey(made));
    },
    onSuccess: async ({ recovery_codes }) => {
      await refreshFactors();
      onClose();
      if (recovery_codes) onCodes(recovery_codes);
    },
  });
  return (
    <NameDialog
      title="Add a passkey"
      sentence="The browser asks your device for it next."
      description={KNOWN_BY}
      name={name}
      onChange={setName}
      action="Go on"
      isBusy={add.isPending}
      problem={toldOf(add.error)}
      onDone={() => add.mutate()}
      onClose={onClose}
    />
  );
}

function Rename({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) {
  const [name, setName] = useState(passkey.name);
  const rename = useMutation<Passkey, Problem>({
    mutationFn: () => renamePasskey(passkey.id, { name: name.trim() }),
    onSuccess: async () => {
      await refreshFactors();
      onClose();
    },
  });
  return (
    <NameDialog
      title="Rename the passkey"
      description={KNOWN_BY}
      name={name}
      onChange={setName}
      action="Rename"
      isBusy={rename.isPending}
      problem={rename.error}
      onDone={() => rename.mutate()}
      onClose={onClose}
    />
  );
}
