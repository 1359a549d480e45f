// Whose look the page wears: colour and icon of a workspace, or Stoa's own.

import { wear } from "./brand";

type Look = { id: string; name: string; primary_color: string; logo_url: string | null };

const OWN = "/assets/stoa-1.svg";

/** The workspace that the shell came for, as the server wrote it there; only for those who may see it. */
export function lookOfShell(): { slug: string; name: string; color: string } | null {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="stoa-workspace"]');
  const { name, color } = meta?.dataset ?? {};
  return meta && name && color ? { slug: meta.content, name, color } : null;
}

/** The icon of the browser's tab: the logo, the initials as the server draws them, or Stoa's own. */
function icon(look: Look | null): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (!link) return;
  const drawn = look && `/api/v1/workspaces/${look.id}/logo?v=${encodeURIComponent(look.name + look.primary_color)}`;
  // What came with the shell is the same picture: it isn't asked for once more.
  const shell = lookOfShell();
  const isOfShell = look && shell?.name === look.name && shell.color === look.primary_color;
  const wanted = look?.logo_url ?? (isOfShell ? ofShell : drawn) ?? OWN;
  if (link.getAttribute("href") !== wanted) link.href = wanted;
}

const ofShell =
  typeof document === "undefined" ? null : (document.querySelector('link[rel="icon"]')?.getAttribute("href") ?? null);

export function dress(look: Look | null): void {
  wear(look?.primary_color ?? null);
  // What came with the shell has done its work: from here on the page wears what it is told.
  document.getElementById("stoa-look")?.remove();
  icon(look);
}
