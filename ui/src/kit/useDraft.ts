import { useEffect, useRef, useState } from "react";

type Saved = { etag: string | null };

/**
 * What a form edits of something that is saved. It begins with what is saved, and follows it while nothing is touched;
 * what somebody has typed stays, and `isStale` then tells that others have saved meanwhile: other than `began`, there is
 * `now`. `etag` is of what is compared with; `take` begins anew with what is given to it.
 */
export function useDraft<S extends Saved, D>(saved: S, draftOf: (saved: S) => D) {
  const [base, setBase] = useState(saved);
  const [began, setBegan] = useState(saved);
  const [draft, setDraft] = useState(() => draftOf(saved));
  const [isStale, setStale] = useState(false);
  const seen = useRef(saved.etag);
  const isSame = (one: D, other: D) => JSON.stringify(one) === JSON.stringify(other);
  const now = draftOf(base);
  const isChanged = !isSame(draft, now);
  const take = (now: S) => {
    setBase(now);
    setBegan(now);
    setDraft(draftOf(now));
    setStale(false);
  };
  useEffect(() => {
    if (saved.etag === seen.current) return;
    seen.current = saved.etag;
    if (saved.etag === base.etag) return;
    if (!isChanged) return take(saved);
    // Something else of it may have changed, which this form doesn't show.
    if (!isSame(draftOf(saved), draftOf(base))) setStale(true);
    setBase(saved);
  });
  const drop = () => take(base);
  return { draft, setDraft, began: draftOf(began), now, etag: base.etag, isChanged, isStale, take, drop };
}
