import { later } from "./later";

/** Why a button is off whose permission is missing: loaded with the first of them. */
export const MissingAction = later(async () => (await import("./Missing")).Missing);
