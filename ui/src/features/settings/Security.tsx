import { Button } from "@mantine/core";
import { IconDeviceMobile, IconKey, IconLifebuoy } from "@tabler/icons-react";
import { useState } from "react";
import { useSecondFactor } from "@/api/accountQueries";
import { removeAuthenticator, renewRecoveryCodes, type SecondFactor } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { Chip, ConfirmDialog, Failed, LoadingRows, later, Note, PageTitle, Panel, Section, Time } from "@/kit";
import { allOf, Closes } from "./Closes";
import { Passkeys } from "./Passkeys";
import { PasswordForm } from "./PasswordForm";
import { ProviderLink } from "./ProviderLink";
import { refreshFactors } from "./secondFactor";
import css from "./settings.module.css";
import { toldOf, useConfirmed } from "./useConfirmed";

const SetUpAuthenticator = later(async () => (await import("./SetUpAuthenticator")).SetUpAuthenticator);
const RecoveryCodes = later(async () => (await import("./RecoveryCodes")).RecoveryCodes);

export function Security() {
  const { confirmed, dialog } = useConfirmed();
  const factors = useSecondFactor();
  const [codes, setCodes] = useState<string[] | null>(null);
  const seen = factors.data;
  return (
    <>
      <PageTitle title="Security" sentence="How you prove that you are you." />
      {seen && seen.demanded_by.length > 0 && !hasAny(seen) && (
        <div style={{ marginBottom: 20, maxWidth: 720 }}>
          <Note tone="warn">
            {allOf(seen.demanded_by)} {seen.demanded_by.length === 1 ? "demands" : "demand"} a second factor. Nothing
            there is open to you until you have set one up here.
          </Note>
        </div>
      )}
      <div className={css.sections}>
        <Section title="Password">
          <PasswordForm confirmed={confirmed} />
        </Section>
        {factors.error ? (
          <Failed error={factors.error} retry={() => void factors.refetch()} inline />
        ) : !seen ? (
          <LoadingRows rows={3} height={60} />
        ) : (
          <Section title="Second factor">
            <p className={css.lead}>
              Beside the password, signing in then asks for something that you have. Either of these is enough; with
              both, you choose each time.
            </p>
            <Panel>
              <Authenticator seen={seen} confirmed={confirmed} onCodes={setCodes} />
              <Passkeys seen={seen} confirmed={confirmed} onCodes={setCodes} />
              {hasAny(seen) && <Recovery seen={seen} confirmed={confirmed} onCodes={setCodes} />}
            </Panel>
          </Section>
        )}
        <ProviderLink confirmed={confirmed} />
      </div>
      {codes && <RecoveryCodes codes={codes} onClose={() => setCodes(null)} />}
      {dialog}
    </>
  );
}

const hasAny = (seen: SecondFactor) => seen.authenticator_since !== null || seen.passkeys > 0;

export type FactorProps = {
  seen: SecondFactor;
  confirmed: <T>(act: () => Promise<T>) => Promise<T>;
  /** Recovery codes that were just made: shown once. */
  onCodes: (codes: string[]) => void;
};

function Authenticator({ seen, confirmed, onCodes }: FactorProps) {
  const [isSettingUp, setSettingUp] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const remove = useMutation<unknown, Problem>({
    mutationFn: () => confirmed(removeAuthenticator),
    onSuccess: () => {
      setRemoving(false);
      return refreshFactors();
    },
  });
  const since = seen.authenticator_since;
  return (
    <div className={css.line}>
      <IconDeviceMobile size={20} stroke={1.75} aria-hidden />
      <div className={css.grow}>
        <div className={css.strong}>Authenticator app {since && <Chip tone="good">On</Chip>}</div>
        <div className={css.small}>
          {since ? (
            <>
              Gives a new code each half minute. Set up <Time just at={since} />.
            </>
          ) : (
            "An app on your phone gives a new code each half minute."
          )}
        </div>
      </div>
      <Button onClick={() => setSettingUp(true)}>{since ? "Set up anew" : "Set up"}</Button>
      {since && <Button onClick={() => setRemoving(true)}>Turn off</Button>}
      {isSettingUp && (
        <SetUpAuthenticator
          confirmed={confirmed}
          onClose={() => setSettingUp(false)}
          onDone={(codes) => {
            setSettingUp(false);
            if (codes) onCodes(codes);
          }}
        />
      )}
      <ConfirmDialog
        opened={isRemoving}
        onClose={() => setRemoving(false)}
        title="Turn the authenticator app off?"
        action="Turn it off"
        busy={remove.isPending}
        problem={toldOf(remove.error)}
        onConfirm={() => remove.mutate()}
      >
        {seen.passkeys > 0
          ? "Its codes work no more. Your passkeys stay."
          : "Its codes and your recovery codes work no more. Signing in then asks for the password alone."}
        {seen.passkeys === 0 && <Closes demandedBy={seen.demanded_by} />}
      </ConfirmDialog>
    </div>
  );
}

function Recovery({ seen, confirmed, onCodes }: FactorProps) {
  const [isRenewing, setRenewing] = useState(false);
  const renew = useMutation<{ recovery_codes?: string[] }, Problem>({
    mutationFn: () => confirmed(renewRecoveryCodes),
    onSuccess: ({ recovery_codes }) => {
      setRenewing(false);
      if (recovery_codes) onCodes(recovery_codes);
      return refreshFactors();
    },
  });
  const left = seen.recovery_codes_left;
  return (
    <div className={css.line}>
      <IconLifebuoy size={20} stroke={1.75} aria-hidden />
      <div className={css.grow}>
        <div className={css.strong}>
          Recovery codes {left <= 3 && <Chip tone="warn">{left === 0 ? "None left" : "Few left"}</Chip>}
        </div>
        <div className={css.small}>
          For when your second factor is away. {left === 1 ? "One is" : `${left} are`} left; each works once.
        </div>
      </div>
      <Button onClick={() => setRenewing(true)} leftSection={<IconKey size={16} stroke={1.75} />}>
        Make new ones
      </Button>
      <ConfirmDialog
        opened={isRenewing}
        onClose={() => setRenewing(false)}
        title="Make new recovery codes?"
        action="Make new ones"
        danger={false}
        busy={renew.isPending}
        problem={toldOf(renew.error)}
        onConfirm={() => renew.mutate()}
      >
        The codes that you have work no more. The new ones are shown once.
      </ConfirmDialog>
    </div>
  );
}
