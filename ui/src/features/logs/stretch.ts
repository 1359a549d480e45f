import type { ExplainWish } from "@/api/generated";
import type { Ends } from "./useChosen";

/** Lines as the server is asked for them: by the first and the last of them, which needn't be here. */
export function wishOf([from, to]: Ends, deployment?: string): ExplainWish {
  return { ...(deployment && { deployment }), from, to };
}
