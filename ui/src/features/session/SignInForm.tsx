import { Button, PasswordInput, TextInput } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { beginPasskeySignIn, type SessionAnswer, signIn } from "@/api/generated";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { later, Note, notice } from "@/kit";
import { takeLeave } from "./leave";
import type { Shown } from "./SecondStep";
import css from "./session.module.css";

const SecondStep = later(async () => (await import("./SecondStep")).SecondStep);

export type Step = "password" | "factor";

/** With `email`, only for that address. */
export function SignInForm({ email: fixed, onStep }: { email?: string; onStep?: (step: Step) => void }) {
  const [email, setEmail] = useState(fixed ?? "");
  const [password, setPassword] = useState("");
  const [ways, setWays] = useState<string[] | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const entering = useMutation<SessionAnswer, Problem, Shown>({
    mutationFn: (shown) => signIn({ email, password, ...shown }),
    onSuccess: ({ account, recovery_codes_left: left }) => {
      takeLeave(null);
      queryClient.setQueryData(ME, account);
      if (left !== undefined)
        void notice(`You used a recovery code; ${left === 1 ? "one is" : `${left} are`} left. Make new ones in time.`);
    },
    onError: (problem) => {
      if (!isCode(problem, "second_factor_required")) {
        // The button was off meanwhile and has lost the focus; the password is what is typed again.
        setTimeout(() => field.current?.select());
        return;
      }
      setWays((before) => problem.ways ?? before ?? ["code"]);
      onStep?.("factor");
    },
  });
  const showing = useMutation<Shown, Problem>({
    mutationFn: async () => {
      const { showPasskey } = await import("./passkey");
      return { passkey: await showPasskey(await beginPasskeySignIn({ email, password })) };
    },
    onSuccess: (shown) => entering.mutate(shown),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate({});
  };
  if (ways) {
    // The first answer only says that it's due.
    const wasShown = Boolean(entering.variables?.code || entering.variables?.passkey);
    const problem = showing.error ?? (wasShown ? entering.error : null);
    const back = () => {
      setWays(null);
      onStep?.("password");
      entering.reset();
      showing.reset();
    };
    return (
      <>
        <p className={css.second}>
          Signing in as <strong>{email}</strong>.{" "}
          <Button variant="transparent" onClick={back}>
            Back
          </Button>
        </p>
        <SecondStep
          ways={ways}
          busy={entering.isPending || showing.isPending}
          problem={problem?.detail}
          onCode={(code) => entering.mutate({ code })}
          onPasskey={() => showing.mutate()}
          isLarge
        />
      </>
    );
  }
  return (
    <form className={css.form} onSubmit={submit}>
      <TextInput
        label="E-mail address"
        type="email"
        autoComplete="username"
        required
        withAsterisk={false}
        readOnly={Boolean(fixed)}
        autoFocus={!fixed}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <div className={css.password}>
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          autoFocus={Boolean(fixed)}
          ref={field}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Link to="/login/forgot" state={{ email } as object}>
          Forgot it?
        </Link>
      </div>
      {entering.error && <Note tone="bad">{entering.error.detail}</Note>}
      <Button type="submit" variant="filled" data-size="lg" loading={entering.isPending} fullWidth>
        Sign in
      </Button>
      <p className={css.aside}>
        <IconShieldCheck size={16} stroke={1.75} aria-hidden />
        If your account has a second factor, it is asked for next.
      </p>
    </form>
  );
}
