import { expect, it } from "vitest";
import { addressesIn } from "./addresses";

it("finds addresses in lines, commas and pasted brackets, each once", () => {
  expect(addressesIn("a@x.example, b@x.example\n<c@x.example>; A@x.example")).toEqual([
    "a@x.example",
    "b@x.example",
    "c@x.example",
  ]);
  expect(addressesIn(" \n ,")).toEqual([]);
});

it("takes the address out of what mail programs put around it", () => {
  expect(
    addressesIn(
      'Anna Lindqvist <anna@x.example>, "Rossi, Nadia" <nadia@x.example>; mailto:bob@x.example\r\n(c@x.example)',
    ),
  ).toEqual(["anna@x.example", "nadia@x.example", "bob@x.example", "c@x.example"]);
  expect(addressesIn("anna@x.example bob@x.example\tcarl@x.example.")).toEqual([
    "anna@x.example",
    "bob@x.example",
    "carl@x.example",
  ]);
});

it("keeps what isn't an address, for the server to say so", () => {
  expect(addressesIn("anna.x.example\nbob@x.example")).toEqual(["anna.x.example", "bob@x.example"]);
  expect(addressesIn('"unfinished, a@x.example\nb@x.example')).toContain("b@x.example");
});
