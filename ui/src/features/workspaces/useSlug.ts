import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { checkSlug } from "@/api/generated";
import { isCode, problemOf } from "@/api/problem";

export type SlugState = {
  slug: string;
  isEdited: boolean;
  edit: (slug: string) => void;
  /** What is said below the field. */
  tone: "good" | "bad" | "wait" | "none";
  word: string;
  suggestion: string | null;
  isFree: boolean;
};

const REASONS = {
  taken: "This slug is taken.",
  reserved: "Stoa keeps this word for its own pages.",
  form: "A slug can't have the form of an id, or begin with xn--.",
  invalid: "2 to 40 of a-z, 0-9 and -, beginning and ending with a letter or digit, without --.",
};

const UNASKED = "It's checked when you save.";
const UNMADE = "No slug could be made of the name just now: write one. It's checked when you save.";

const ID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/;

/** It keeps to the letters, and would be taken for something else. The server, which refuses it, says only that it does. */
const isForm = (slug: string) => ID.test(slug) || slug.startsWith("xn--");

/** Milliseconds without a letter before it is asked for: longer than from letter to letter, also of a slow hand. */
const PAUSE = 450;

/** The slug follows the name until it is edited; the server says at once whether it's valid and free. */
export function useSlug(name: string, own?: string): SlugState {
  const [edited, setEdited] = useState<string | null>(own ?? null);
  const wanted = (edited ?? name).trim();
  const [settled] = useDebouncedValue(wanted, PAUSE);
  const asked = useQuery({
    queryKey: ["slug", settled],
    queryFn: ({ signal }) => checkSlug({ name: settled }, { signal }),
    enabled: settled.length > 0 && settled !== own,
    gcTime: 10_000,
    staleTime: 0,
    placeholderData: (before) => before,
  });
  // Asked too often: it is asked once more when the server takes more.
  const { refetch } = asked;
  const wait = asked.error && isCode(asked.error, "too_many_requests") ? problemOf(asked.error).retryAfter : null;
  const { errorUpdatedAt } = asked;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each such answer is waited out for itself
  useEffect(() => {
    if (wait === null) return;
    const timer = setTimeout(() => void refetch(), wait * 1000);
    return () => clearTimeout(timer);
  }, [wait, errorUpdatedAt, refetch]);
  const answer = settled ? asked.data : undefined;
  // What couldn't be asked changes nothing: the last slug that was made stands.
  const last = useRef("");
  if (answer) last.current = answer.slug;
  const slug = edited ?? (wanted && last.current);
  const isSettled = settled === wanted && !asked.isPlaceholderData && !asked.isFetching;
  const base = { slug, isEdited: edited !== null, edit: setEdited, suggestion: answer?.suggestion ?? null };
  if (!wanted) return { ...base, tone: "none", word: "", suggestion: null, isFree: false };
  if (wanted === own) return { ...base, tone: "none", word: "In use now.", suggestion: null, isFree: true };
  if (isCode(asked.error, "too_many_requests"))
    return { ...base, tone: "none", word: slug ? UNASKED : UNMADE, suggestion: null, isFree: slug !== "" };
  if (asked.error) return { ...base, tone: "bad", word: "It couldn't be checked. Try again.", isFree: false };
  if (!isSettled || !answer) return { ...base, tone: "wait", word: "Checking", isFree: false };
  // What was typed has to be a slug as it stands; the name may become one.
  const isPlain = edited === null || answer.slug === wanted;
  if (answer.available && isPlain)
    return { ...base, tone: "good", word: "Valid and free", suggestion: null, isFree: true };
  const reason = isPlain ? (answer.reason ?? "invalid") : "invalid";
  const suggestion = answer.suggestion ?? (isPlain ? null : answer.slug);
  return { ...base, suggestion, tone: "bad", word: REASONS[isForm(wanted) ? "form" : reason], isFree: false };
}
