// What the IDE asks of the API beside what is generated: bytes of files. Addresses are made by what is generated alone: it
// writes a path as one word, and whoever writes it so before names another file.

import { ask, ifMatch } from "@/api/client";
import { getReadFileUrl, getReadOriginalUrl, saveFile } from "@/api/generated";

/** Larger files aren't opened in the editor; they can be downloaded. */
export const LARGEST = 5_000_000;

/** A workspace and one of its instances. */
export type Place = { workspace: string; instance: string };

/** `bytes` is null where there are more than the editor opens: then they aren't fetched. */
export type Opened = { bytes: Uint8Array | null; etag: string | null };

const asked = ({ workspace, instance }: Place, path: string) =>
  ask(getReadFileUrl(workspace, instance, path), { headers: { Accept: "application/octet-stream" } });

/** A file for the editor. */
export async function openFile(place: Place, path: string): Promise<Opened> {
  const answer = await asked(place, path);
  const etag = answer.headers.get("etag");
  if (Number(answer.headers.get("content-length")) > LARGEST) {
    await answer.body?.cancel();
    return { bytes: null, etag };
  }
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { bytes: bytes.length > LARGEST ? null : bytes, etag };
}

/** The tag of a file as it is now. */
export async function tagOf({ workspace, instance }: Place, path: string): Promise<string | null> {
  const url = getReadFileUrl(workspace, instance, path);
  const answer = await ask(url, { method: "HEAD", headers: { Accept: "application/octet-stream" } });
  return answer.headers.get("etag");
}

/** A file as it is in the branch; null where it isn't there. */
export async function openOriginal({ workspace, instance }: Place, path: string): Promise<Uint8Array> {
  const url = getReadOriginalUrl(workspace, instance, { path });
  const answer = await ask(url, { headers: { Accept: "application/octet-stream" } });
  return new Uint8Array(await answer.arrayBuffer());
}

/** Saves it where it is still as it was opened; `new` only where nothing is there. Its new tag. */
export async function writeFile(
  { workspace, instance }: Place,
  path: string,
  bytes: Uint8Array<ArrayBuffer> | Blob,
  guard: { etag?: string | null; isNew?: boolean },
): Promise<string> {
  const given = guard.isNew ? { headers: { "If-None-Match": "*" } } : ifMatch(guard.etag);
  const headers = { ...given.headers, "Content-Type": "application/octet-stream" };
  const body = bytes instanceof Blob ? bytes : new Blob([bytes]);
  const saved = await saveFile(workspace, instance, path, body, { headers });
  return saved.etag;
}

/** Gives it to the browser to keep. */
export async function download(place: Place, path: string): Promise<void> {
  const url = URL.createObjectURL(await (await asked(place, path)).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = nameOf(path);
  link.click();
  URL.revokeObjectURL(url);
}

export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
export const within = (folder: string, name: string): string => (folder ? `${folder}/${name}` : name);

/** The text of a file; null where it isn't text in UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  if (bytes.subarray(0, 8000).includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
