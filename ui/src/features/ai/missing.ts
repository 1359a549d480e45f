import type { AiProvider } from "@/api/generated";
import { isOwn } from "./providers";

type Typed = { provider: AiProvider | null; model: string; url: string; key: string };

/** What has to be filled in before it can be saved, or null. */
export function missingIn(draft: Typed, hasKept: boolean): string | null {
  const { provider } = draft;
  const missing = [
    provider === null && "the provider",
    isOwn(provider) && draft.url.trim() === "" && "the base URL",
    draft.model.trim() === "" && "the model",
    provider !== null && !isOwn(provider) && !hasKept && draft.key === "" && "the key",
  ].filter((part) => part !== false);
  if (missing.length === 0) return null;
  const last = missing.at(-1);
  return `Fill in ${missing.length === 1 ? last : `${missing.slice(0, -1).join(", ")} and ${last}`}`;
}
