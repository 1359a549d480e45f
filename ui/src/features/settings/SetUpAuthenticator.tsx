import { Button, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { encode } from "uqr";
import { type BegunAuthenticator, beginAuthenticator, confirmAuthenticator } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { CodeToCopy, Dialog, Note, WaitingButton } from "@/kit";
import { refreshFactors } from "./secondFactor";
import css from "./settings.module.css";
import { GIVEN_UP, toldOf } from "./useConfirmed";

type Props = {
  confirmed: <T>(act: () => Promise<T>) => Promise<T>;
  onClose: () => void;
  onDone: (codes: string[] | undefined) => void;
};

export function SetUpAuthenticator({ confirmed, onClose, onDone }: Props) {
  const [code, setCode] = useState("");
  const begin = useMutation<BegunAuthenticator, Problem>({
    mutationFn: () => confirmed(beginAuthenticator),
    onError: (problem) => problem.code === GIVEN_UP && onClose(),
  });
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    begin.mutate();
  }, [begin]);
  const confirm = useMutation<{ recovery_codes?: string[] }, Problem, BegunAuthenticator>({
    mutationFn: ({ ceremony }) => confirmed(() => confirmAuthenticator({ ceremony, code: code.replaceAll(" ", "") })),
    onSuccess: async ({ recovery_codes }) => {
      await refreshFactors();
      onDone(recovery_codes);
    },
  });
  const begun = begin.data;
  const problem = toldOf(begin.error) ?? toldOf(confirm.error);
  const wrong = problem?.field("code");
  // Behind the question for the password there is nothing to show yet.
  if (!begun && !problem) return null;
  return (
    <Dialog
      opened
      onClose={onClose}
      size={560}
      title="Set up an authenticator app"
      sentence="Scan this with the app, then enter the code that it shows."
      onSubmit={() => begun && confirm.mutate(begun)}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            loading={confirm.isPending}
            why={begun && code ? undefined : "Enter the code first"}
          >
            Turn it on
          </WaitingButton>
        </>
      }
    >
      {begun && (
        <div className={css.scan}>
          <Picture text={begun.otpauth_url} />
          <div style={{ display: "grid", gap: 16, alignContent: "start" }}>
            <div>
              <div className={css.small} style={{ marginBottom: 6 }}>
                Can't scan it? Enter this key in the app:
              </div>
              <CodeToCopy text={begun.secret.replace(/(.{4})(?=.)/g, "$1 ")} label="Copy the key" />
            </div>
            <TextInput
              label="Code"
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={9}
              required
              withAsterisk={false}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              error={wrong}
              data-autofocus
            />
          </div>
        </div>
      )}
      {problem && !wrong && <Note tone="bad">{problem.detail}</Note>}
    </Dialog>
  );
}

/** Black on white in both schemes: apps read nothing else reliably. */
function Picture({ text }: { text: string }) {
  const { data, size } = encode(text, { border: 4 });
  const path = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return (
    <svg className={css.qr} viewBox={`0 0 ${size} ${size}`} role="img" aria-label="Code to scan">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  );
}
