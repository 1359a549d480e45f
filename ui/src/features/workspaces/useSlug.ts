import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { checkSlug } from "@/api/generated";
import { isCode } from "@/api/problem";

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

const ID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/;

/** It keeps to the letters, and would be taken for something else. The server, which refuses it, says only that it does. */
const isForm = (slug: string) => ID.test(slug) || slug.startsWith("xn--");

/** The slug follows the name until it is edited; the server says at once whether it's valid and free. */
export function useSlug(name: string, own?: string): SlugState {
  const [edited, setEdited] = useState<string | null>(own ?? null);
  const wanted = (edited ?? name).trim();
  const [settled] = useDebouncedValue(wanted, 180);
  const asked = useQuery({
    queryKey: ["slug", settled],
    queryFn: ({ signal }) => checkSlug({ name: settled }, { signal }),
    enabled: settled.length > 0 && settled !== own,
    gcTime: 10_000,
    staleTime: 0,
    placeholderData: (before) => before,
  });
  const answer = settled ? asked.data : undefined;
  const slug = edited ?? answer?.slug ?? "";
  const isSettled = settled === wanted && !asked.isPlaceholderData && !asked.isFetching;
  const base = { slug, isEdited: edited !== null, edit: setEdited, suggestion: answer?.suggestion ?? null };
  if (!wanted) return { ...base, tone: "none", word: "", suggestion: null, isFree: false };
  if (wanted === own) return { ...base, tone: "none", word: "In use now.", suggestion: null, isFree: true };
  if (isCode(asked.error, "too_many_requests"))
    return { ...base, tone: "none", word: "It's checked when you save.", isFree: true };
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
