import { Navigate } from "@tanstack/react-router";
import { isCode } from "@/api/problem";
import { useMe } from "@/api/queries";
import { Note, State, useTitle } from "@/kit";
import { Entrance } from "./Entrance";
import { SignInForm } from "./SignInForm";

/** Shown at whatever address was asked for; it never names the page behind it. */
export function SignInScreen({ ended = false }: { ended?: boolean }) {
  useTitle("Sign in");
  return (
    <Entrance title="Sign in" lead="Then you go on to the page you opened.">
      {ended && (
        <div style={{ marginBottom: 16 }}>
          <Note tone="warn">You were signed out. What you had open waits for you.</Note>
        </div>
      )}
      <SignInForm />
    </Entrance>
  );
}

export function LoginPage() {
  useTitle("Sign in");
  const me = useMe();
  if (me.data && !me.error) return <Navigate to="/" replace />;
  if (isCode(me.error, "setup_needed"))
    return (
      <State title="Stoa waits for its first account">Open the set-up link that Stoa printed when it started.</State>
    );
  return (
    <Entrance title="Sign in" lead="With the address that your team knows you by.">
      <SignInForm />
    </Entrance>
  );
}
