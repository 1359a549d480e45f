// The heavy parts, loaded when the IDE is first opened.

import { createElement } from "react";
import { later } from "@/kit";

const waits = createElement("div", { role: "status", "aria-label": "Loading" });

export const Editor = later(async () => (await import("./Editor")).default, waits);
export const Difference = later(async () => (await import("./Editor")).Difference, waits);
export const Terminal = later(async () => (await import("./Terminal")).default, waits);
