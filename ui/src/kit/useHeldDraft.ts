import { useEffect, useState } from "react";

type Saved = { etag: string | null };

/**
 * As `useDraft`, for what is never saved over what others have saved meanwhile, such as where a key is sent: what a form
 * is compared with and saved upon stays `base`, which it has begun with, and `isStale` tells that there is something newer.
 * `differs` tells whether anything is typed that isn't saved.
 */
export function useHeldDraft<S extends Saved, D>(
  saved: S,
  draftOf: (saved: S) => D,
  differs: (draft: D, base: S) => boolean,
) {
  const [base, setBase] = useState(saved);
  const [draft, setDraft] = useState(() => draftOf(saved));
  /** What was there before one saved: it may be drawn once more before the new is heard of. */
  const [past, setPast] = useState<S | null>(null);
  const isChanged = differs(draft, base);
  const isStale = saved.etag !== base.etag && saved !== past;
  const take = (now: S) => {
    setPast(saved);
    setBase(now);
    setDraft(draftOf(now));
  };
  // Saved by somebody else while nothing was touched here: it shows what is there now.
  useEffect(() => {
    if (isStale && !isChanged) take(saved);
  });
  return {
    draft,
    set: (change: Partial<D>) => setDraft((draft) => ({ ...draft, ...change })),
    base,
    isChanged,
    isStale,
    take,
  };
}
