// Files that are open, by whose they are and of which instance: what isn't saved outlasts that the IDE is closed to its
// member for a while. In the memory of this tab alone, and never in a storage of the browser's.

import { useMe } from "@/api/queries";
import type { Document } from "./useDocuments";

const held = new Map<string, Map<string, Document>>();

export const useEditsKey = (instance: string): string => `${useMe().data?.id ?? ""} ${instance}`;

/** The open ones, to be changed in place. */
export function editsOf(key: string): Map<string, Document> {
  const found = held.get(key) ?? new Map<string, Document>();
  held.set(key, found);
  return found;
}

/** Whether there is anything that isn't saved. */
export const holdsEdits = (key: string): boolean => [...(held.get(key)?.values() ?? [])].some(({ isDirty }) => isDirty);

/** Nobody looks at them any more: what is saved is read anew the next time. */
export function leaveEdits(key: string): void {
  for (const [path, document] of held.get(key) ?? [])
    if (document.isDirty) held.get(key)?.set(path, { ...document, isSaving: false });
    else held.get(key)?.delete(path);
}

/** They were given up. */
export const forgetEdits = (key: string): void => held.get(key)?.clear();
