import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";

const kept = new Map<string, string>();

/** The secret of a one-time link, taken out of the address at once: the page goes on at `to`, which names none. */
export function useLinkToken(to: string): string | null {
  const params = useParams({ strict: false }) as { token?: string };
  const navigate = useNavigate();
  const [token] = useState(() => {
    if (params.token) kept.set(to, params.token);
    return kept.get(to) ?? null;
  });
  useEffect(() => {
    if (params.token) void navigate({ to: to as string, replace: true });
  }, [params.token, navigate, to]);
  return token;
}

/** A link that was used is forgotten. */
export function forgetToken(to: string): void {
  kept.delete(to);
}
