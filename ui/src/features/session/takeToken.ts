// One-time links: their secret is taken out of the address at once, so that it stays in no history and no screenshot.

let kept: string | null = null;

/** The token behind `#`, kept in this page's memory alone. */
export function takeFromFragment(): string | null {
  const found = decoded(location.hash.replace(/^#(token=)?/, ""));
  if (found) {
    kept = found;
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return kept;
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
