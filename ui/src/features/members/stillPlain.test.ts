import { expect, test } from "vitest";
import type { Member } from "@/api/nouns";
import { soFar } from "./soFar";
import { stillPlain } from "./stillPlain";

const member = (id: string, role: Member["role"] = "member") => ({ id, role }) as Member;
const chosen = new Map(["m1", "m2", "m3"].map((id) => [id, member(id)]));

test("who was removed, and who is an owner by now, is chosen no more", () => {
  const shown = [member("m1"), member("m3", "owner")];
  expect([...stillPlain(chosen, ["m2"], shown).keys()]).toEqual(["m1"]);
});

test("who isn't shown stays chosen, and what hasn't changed is the same", () => {
  expect(stillPlain(chosen, ["m9"], [member("m1")])).toBe(chosen);
});

test("before what was typed is discarded it is said who is invited already", () => {
  expect(soFar(0)).toBe("Nobody has been invited yet.");
  expect(soFar(1)).toBe("One is invited; the rest isn't.");
  expect(soFar(5)).toBe("5 are invited; the rest isn't.");
});
