// Whose look the page wears: colour and icon of a workspace, or Stoa's own.

import { wear } from "./brand";

type Look = { name: string; primary_color: string; logo_url: string | null };

const OWN = "/assets/stoa-1.svg";

/** The workspace that the shell came for, as the server wrote it there; only for those who may see it. */
export function lookOfShell(): { slug: string; name: string; color: string } | null {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="stoa-workspace"]');
  const { name, color } = meta?.dataset ?? {};
  return meta && name && color ? { slug: meta.content, name, color } : null;
}

/** The icon of the browser's tab. The server drew that of the shell; of others it is the logo, or Stoa's. */
function icon(look: Look | null): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (!link) return;
  const drawn = look && !look.logo_url && lookOfShell()?.name === look.name ? drawnByServer : null;
  link.href = look?.logo_url ?? drawn ?? OWN;
}

const drawnByServer =
  typeof document === "undefined" ? null : (document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href ?? null);

export function dress(look: Look | null): void {
  wear(look?.primary_color ?? null);
  // What came with the shell has done its work: from here on the page wears what it is told.
  document.getElementById("stoa-look")?.remove();
  icon(look);
}
