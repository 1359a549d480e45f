// How a logo is sent: with the tag of the one that is worn, so that nobody's newer one is overwritten unseen.

import { ask, call, type Tagged } from "@/api/client";
import { getChangeLogoUrl, getViewLogoUrl, removeLogo } from "@/api/generated";
import type { Workspace } from "@/api/nouns";

/** The tag of the logo that is worn now: what a change is made from. */
export async function tagOfLogo(workspace: string): Promise<HeadersInit> {
  const answer = await ask(getViewLogoUrl(workspace), { method: "HEAD", headers: { Accept: "*/*" } });
  const etag = answer.headers.get("etag");
  return etag ? { "If-Match": etag } : {};
}

/** Sends a picture, or takes the logo away. */
export async function saveLogo(workspace: string, picture: Blob | null, tag: HeadersInit): Promise<void> {
  if (!picture) {
    await removeLogo(workspace, { headers: tag });
    return;
  }
  const headers = { ...tag, "Content-Type": picture.type };
  await call<Tagged<Workspace>>(getChangeLogoUrl(workspace), { method: "PUT", body: picture, headers });
}
