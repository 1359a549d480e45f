// How the workspaces look that this browser was signed in to: its sign-in wears that, and tells nobody else which exist.

export type Remembered = { slug: string; name: string; primary_color: string; logo_url: string | null };

type Kept = Remembered & {
  /** The address that the logo came from: one that is the same isn't drawn again. */
  from: string | null;
};

const KEY = "stoa-looks";
const LAST = "stoa-last-workspace";
/** As many as a browser keeps, the newest first. */
const MOST = 4;
/** In pixels: twice what is shown. */
const SIDE = 112;

function kept(): Kept[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one?.slug === "string") : [];
  } catch {
    return [];
  }
}

function keep(looks: Kept[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(looks.slice(0, MOST)));
  } catch {
    // No room, or not allowed: then signing in looks like Stoa's own.
  }
}

/** The logo as an address that holds the picture itself: who isn't signed in isn't given the one of the workspace. */
async function drawn(url: string): Promise<string | null> {
  const picture = new Image();
  picture.src = url;
  try {
    await picture.decode();
  } catch {
    return null;
  }
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  canvas.getContext("2d")?.drawImage(picture, 0, 0, SIDE, SIDE);
  return canvas.toDataURL("image/png");
}

/** Keeps how a workspace looks that is open here. */
export async function remember({ slug, name, primary_color, logo_url }: Remembered): Promise<void> {
  const before = kept().find((one) => one.slug === slug);
  const isSame = before?.from === logo_url && before.name === name && before.primary_color === primary_color;
  if (isSame && kept()[0]?.slug === slug) return;
  const logo = before?.from === logo_url ? before.logo_url : logo_url && (await drawn(logo_url));
  const look = { slug, name, primary_color, logo_url: logo, from: logo_url };
  keep([look, ...kept().filter((one) => one.slug !== slug)]);
}

/** Of a workspace that somebody isn't in any more nothing is kept. */
export function forget(slug: string): void {
  keep(kept().filter((one) => one.slug !== slug));
}

/** Whose look signing in wears at an address: that of the workspace in it, or at the front door the last that was open. */
export function rememberedAt(pathname: string): Remembered | null {
  const first = pathname.split("/")[1] ?? "";
  const isDoor = ["", "login", "workspaces", "account"].includes(first);
  const slug = isDoor ? localStorage.getItem(LAST) : first;
  return kept().find((one) => one.slug === slug) ?? null;
}
