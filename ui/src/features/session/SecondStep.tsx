import { Button, TextInput } from "@mantine/core";
import { IconFingerprint } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import type { PasskeyShown } from "@/api/generated";
import { Note } from "@/kit";
import css from "./session.module.css";

/** What is sent beside the password. */
export type Shown = { code?: string; passkey?: PasskeyShown };

type Props = {
  /** In which ways it can be shown, as the server said. */
  ways: string[];
  busy: boolean;
  problem: string | undefined;
  onCode: (code: string) => void;
  onPasskey: () => void;
  isLarge?: boolean;
};

/** The second factor: a passkey where there is one, a code, or a recovery code when both are away. */
export function SecondStep({ ways, busy, problem, onCode, onPasskey, isLarge = false }: Props) {
  const hasPasskey = ways.includes("passkey");
  const hasCode = ways.includes("code");
  const [way, setWay] = useState(hasPasskey ? "passkey" : hasCode ? "code" : "recovery_code");
  const [code, setCode] = useState("");
  const size = isLarge ? { "data-size": "lg", fullWidth: true } : {};
  const choose = (next: string) => {
    setWay(next);
    setCode("");
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (code.trim()) onCode(code.trim());
  };
  const others = [
    { way: "passkey", word: "Use a passkey", is: hasPasskey },
    { way: "code", word: "Enter a code of the authenticator app", is: hasCode },
    { way: "recovery_code", word: "Use a recovery code", is: ways.includes("recovery_code") },
  ].filter((one) => one.is && one.way !== way);
  return (
    <div className={css.form}>
      {way === "passkey" ? (
        <>
          {problem && <Note tone="bad">{problem}</Note>}
          <Button
            variant="filled"
            {...size}
            loading={busy}
            onClick={onPasskey}
            leftSection={<IconFingerprint size={18} stroke={1.75} />}
            autoFocus
          >
            Use a passkey
          </Button>
        </>
      ) : (
        <form className={css.form} onSubmit={submit}>
          <TextInput
            key={way}
            label={way === "code" ? "Code of your authenticator app" : "Recovery code"}
            description={way === "code" ? "Six digits, new each half minute." : "Each of them works once."}
            inputWrapperOrder={["label", "input", "error", "description"]}
            inputMode={way === "code" ? "numeric" : "text"}
            autoComplete="one-time-code"
            autoCapitalize="off"
            spellCheck={false}
            autoFocus
            required
            withAsterisk={false}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          {problem && <Note tone="bad">{problem}</Note>}
          <Button type="submit" variant="filled" {...size} loading={busy}>
            Go on
          </Button>
        </form>
      )}
      {others.length > 0 && (
        <div className={css.ways}>
          {others.map((one) => (
            <Button key={one.way} variant="transparent" onClick={() => choose(one.way)}>
              {one.word}
            </Button>
          ))}
        </div>
      )}
    </div>
  );
}
