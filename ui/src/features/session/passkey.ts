// Passkeys in the browser. What talks to authenticators is loaded when one is first used.

import type { NewPasskey, PasskeyAsked, PasskeyShown } from "@/api/generated";
import { Problem } from "@/api/problem";

type Part = typeof import("@simplewebauthn/browser");

function failed(error: unknown): Problem {
  const name = error instanceof Error ? error.name : "";
  const detail =
    name === "InvalidStateError"
      ? "This authenticator is a passkey of your account already. Use another one."
      : name === "NotAllowedError" || name === "AbortError"
        ? "The passkey wasn't used, or it took too long. Try again, or go on in another way."
        : "The browser couldn't use a passkey here. Try again, or go on in another way.";
  return new Problem({ status: 0, code: "passkey_failed", title: "Not done", detail });
}

/** Whether this browser, at this address, has passkeys at all. */
export function hasPasskeys(): boolean {
  return window.isSecureContext && typeof PublicKeyCredential === "function";
}

async function using<T>(use: (part: Part) => Promise<T>): Promise<T> {
  const part = await import("@simplewebauthn/browser");
  try {
    return await use(part);
  } catch (error) {
    throw failed(error);
  }
}

/** Answers what the server asked, with a passkey that is there. */
export async function showPasskey({ ceremony, options }: PasskeyAsked): Promise<PasskeyShown> {
  type Options = Parameters<Part["startAuthentication"]>[0]["optionsJSON"];
  const optionsJSON = options.publicKey as Options;
  const credential = await using((part) => part.startAuthentication({ optionsJSON }));
  return { ceremony, credential: { ...credential } };
}

/** Makes a new one. */
export async function makePasskey({ ceremony, options }: PasskeyAsked, name: string): Promise<NewPasskey> {
  type Options = Parameters<Part["startRegistration"]>[0]["optionsJSON"];
  const optionsJSON = options.publicKey as Options;
  const credential = await using((part) => part.startRegistration({ optionsJSON }));
  return { ceremony, name, credential: { ...credential } };
}
