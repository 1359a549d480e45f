import type { Instance } from "@/api/nouns";

type One = Pick<Instance, "stage" | "created_at">;

/** Of several of one project, the one that it is there for: production before the others, and of those the newest. */
export function foremost<T extends One>(instances: T[] | undefined): T | undefined {
  const rank = ({ stage }: One) => (stage === "production" ? 1 : 0);
  return instances?.reduce<T | undefined>((best, one) => {
    if (!best || rank(one) > rank(best)) return one;
    return rank(one) === rank(best) && one.created_at > best.created_at ? one : best;
  }, undefined);
}
