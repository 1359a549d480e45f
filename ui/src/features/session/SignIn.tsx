import { Navigate } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useState } from "react";
import { isCode } from "@/api/problem";
import { useMe } from "@/api/queries";
import { Note, useTitle } from "@/kit";
import { wear } from "@/theme/brand";
import { dress } from "@/theme/look";
import { Entrance } from "./Entrance";
import { leaveTaken } from "./leave";
import { ProviderButton } from "./ProviderButton";
import { type Remembered, rememberedAt } from "./remembered";
import { SignInForm, type Step } from "./SignInForm";

const FACTOR = "One step more: your account asks for its second factor.";

/** Wears the look of the workspace that this browser was signed in to before, or Stoa's own. */
function useRemembered(): { workspace?: Remembered } {
  const [look] = useState(() => rememberedAt(window.location.pathname));
  // Before anything is drawn, and gone before the page of whoever signs in wears its own.
  useLayoutEffect(() => {
    dress(null);
    if (!look) return;
    wear(look.primary_color);
    return () => wear(null);
  }, [look]);
  return look ? { workspace: look } : {};
}

const GREETING = "With the address that your team knows you by.";

/** Shown at whatever address was asked for; it never names the page behind it. */
export function SignInScreen({ ended = false }: { ended?: boolean }) {
  useTitle("Sign in");
  const [step, setStep] = useState<Step>("password");
  const look = useRemembered();
  const { pathname } = window.location;
  return (
    <Entrance
      title="Sign in"
      // The front door is no page that anybody opened on purpose.
      lead={step === "factor" ? FACTOR : pathname === "/" ? GREETING : "Then you go on to the page you opened."}
      {...look}
      isKnown
    >
      {ended && step === "password" && (
        <div style={{ marginBottom: 16 }}>
          <Note tone="warn">You were signed out. Sign in to go on.</Note>
        </div>
      )}
      <SignInForm onStep={setStep} />
      {step === "password" && <ProviderButton />}
    </Entrance>
  );
}

/** Where the server sent somebody from who wants to visit an instance: an address of its own, and nothing else. */
export function visitAfter(search: string, origin: string): string | null {
  const asked = new URLSearchParams(search).get("to");
  if (!asked?.startsWith("/visit/")) return null;
  const { origin: its, pathname, search: query } = new URL(asked, origin);
  return its === origin && pathname.startsWith("/visit/") ? pathname + query : null;
}

/** On to a page that the server makes, not this one. */
function GoOn({ to }: { to: string }) {
  useEffect(() => window.location.replace(to), [to]);
  return null;
}

export function LoginPage() {
  useTitle("Sign in");
  const me = useMe();
  const [step, setStep] = useState<Step>("password");
  const left = leaveTaken();
  const look = useRemembered();
  const visit = visitAfter(window.location.search, window.location.origin);
  if (me.data && !me.error) return visit ? <GoOn to={visit} /> : <Navigate to="/" replace />;
  if (isCode(me.error, "setup_needed"))
    return (
      <Entrance
        title="Stoa waits for its first account"
        lead="Open the set-up link that Stoa printed when it started. It works once, and makes the administrator's account."
      />
    );
  return (
    <Entrance
      title="Sign in"
      lead={step === "factor" ? FACTOR : visit ? "Then you go on to the site that you opened." : GREETING}
      {...look}
      isKnown
    >
      {left && step === "password" && (
        <div style={{ marginBottom: 16 }}>
          <Note tone="good">{left}</Note>
        </div>
      )}
      <SignInForm onStep={setStep} />
      {step === "password" && <ProviderButton />}
    </Entrance>
  );
}
