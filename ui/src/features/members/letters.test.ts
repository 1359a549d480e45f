import { expect, it } from "vitest";
import { unusualIn } from "./letters";

it("an address in plain letters is what it looks like", () => {
  expect(unusualIn("bob@example.com")).toBeNull();
  expect(unusualIn("bob+x@xn--exmple-4nf.com")).toBeNull();
});

it("a domain that looks like another one is told as mail servers write it", () => {
  // The first letter of the alphabet in Cyrillic.
  expect(unusualIn("bob@ex\u0430mple.com")).toEqual({ written: "bob@xn--exmple-4nf.com", letters: [] });
});

it("letters before the @ have no other form: they are told by their numbers, each once", () => {
  expect(unusualIn("b\u043eb.\u043e@example.com")).toEqual({ written: null, letters: ["\u043e (U+043E)"] });
});

it("what is no domain is told letter by letter", () => {
  expect(unusualIn("bob@ex\u0430 mple")?.written).toContain("U+0430");
});
