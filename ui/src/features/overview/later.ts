// What stands below what is looked at first, and waits for answers of its own.

import { later } from "@/kit";

export const LastDeployments = later(async () => (await import("./LastDeployments")).LastDeployments);
