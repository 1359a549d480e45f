import type { About } from "@/kit/Why";

const KINDS: Record<string, About["kind"]> = { instances: "instance", projects: "project", servers: "server" };

/** What an address within a workspace is of: its kind, and its slug or id. */
export function addressed(pathname: string): Pick<About, "kind" | "name"> | null {
  const [, , noun = "", word = ""] = pathname.split("/");
  const kind = KINDS[noun];
  return kind && word !== "" ? { kind, name: readable(word) } : null;
}

/** A part of an address in words. What can't be read stays as it is written. */
export function readable(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
