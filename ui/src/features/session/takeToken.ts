// One-time links: their secret is taken out of the address at once, so that it stays in no history and no screenshot.

let kept: string | null = null;

const SETUP = "stoa-setup";

/**
 * The token behind `#` of the setup link, which this tab keeps until it was used or is refused: what proves whose Stoa
 * this is was printed once, and reading the page anew mustn't cost it.
 */
export function takeFromFragment(): string | null {
  const found = decoded(location.hash.replace(/^#(token=)?/, ""));
  try {
    if (found) sessionStorage.setItem(SETUP, found);
    else kept ??= sessionStorage.getItem(SETUP);
  } catch {
    // Then it is in this page's memory alone.
  }
  if (found) {
    kept = found;
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return kept;
}

/** It worked, or never will: the next page doesn't find it. */
export function dropSetupToken(): void {
  try {
    sessionStorage.removeItem(SETUP);
  } catch {
    // Then nothing was kept.
  }
}

/** A link that lost letters on its way is a wrong one, not one that ends the page. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function keep(token: string): void {
  kept = token;
}

export function keptToken(): string | null {
  kept ??= broughtBack();
  return kept;
}

const AWAY = "stoa-invitation";
/** In milliseconds: as long as the server keeps what it asked the provider. */
const LONGEST = 600_000;

/** Has the token come along to the sign-in provider and back, in this tab alone. Only the next page finds it. */
export function takeAlong(): void {
  try {
    if (kept) sessionStorage.setItem(AWAY, JSON.stringify({ token: kept, at: Date.now() }));
  } catch {
    // Then the link is opened once more.
  }
}

function broughtBack(): string | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(AWAY) ?? "null");
    sessionStorage.removeItem(AWAY);
    const { token, at } = (found ?? {}) as { token?: unknown; at?: unknown };
    const isFresh = typeof at === "number" && Math.abs(Date.now() - at) <= LONGEST;
    return typeof token === "string" && isFresh ? token : null;
  } catch {
    return null;
  }
}
