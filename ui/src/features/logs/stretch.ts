import type { ExplainWish } from "@/api/generated";
import type { Shown } from "./lines";

/** The chosen lines as the server is asked for them: by their moments, and by the first and the last of them. */
export function wishOf(lines: Pick<Shown, "at" | "position">[], deployment?: string): ExplainWish {
  const [first, last] = [lines[0], lines.at(-1)];
  return {
    ...(deployment && { deployment }),
    ...(first && { since: first.at, from: first.position }),
    ...(last && { until: last.at, to: last.position }),
  };
}
