// Loaded when somebody asks for it, not before.

import { later } from "@/kit";

export const Description = later(async () => (await import("./Description")).Description);
export const Explanation = later(async () => (await import("./Explanation")).Explanation);
