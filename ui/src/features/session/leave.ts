// To the provider and back: where one was is kept in this tab meanwhile.

const KEY = "stoa-came-from";

export function leaveFor(url: string): void {
  try {
    sessionStorage.setItem(KEY, location.pathname + location.search);
  } catch {
    // Then one comes back to the front door.
  }
  location.assign(url);
}

/** Whether it was this page that one left from. */
export function hasLeft(page: string): boolean {
  try {
    return sessionStorage.getItem(KEY) === page;
  } catch {
    return false;
  }
}

/** The page of this site that one left from, once. */
export function cameFrom(): string {
  try {
    const from = sessionStorage.getItem(KEY) ?? "/";
    sessionStorage.removeItem(KEY);
    return /^\/(?!\/|login|oidc)/.test(from) ? from : "/";
  } catch {
    return "/";
  }
}

let said: string | null = null;

/** What the sign-in page says to somebody who leaves for good, until somebody signs in. */
export function takeLeave(words: string | null): void {
  said = words;
}

export function leaveTaken(): string | null {
  return said;
}
