// One-time links: their secret is taken out of the address at once, so that it stays in no history and no screenshot.

let kept: string | null = null;

/** The token behind `#`, kept in this page's memory alone. */
export function takeFromFragment(): string | null {
  const found = decodeURIComponent(location.hash.replace(/^#(token=)?/, ""));
  if (found) {
    kept = found;
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return kept;
}

export function keep(token: string): void {
  kept = token;
}

export function keptToken(): string | null {
  return kept;
}
