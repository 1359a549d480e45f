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
  expect(addressesIn("iyer@x.example; notanaddress  anna@x.example")).toEqual([
    "iyer@x.example",
    "notanaddress",
    "anna@x.example",
  ]);
  expect(addressesIn("Rosa Iyer, anna@x.example and bob@x.example")).toEqual([
    "Rosa Iyer",
    "anna@x.example",
    "and",
    "bob@x.example",
  ]);
  expect(addressesIn("bob@x.example Anna <anna@x.example> others")).toEqual([
    "bob@x.example",
    "anna@x.example",
    "others",
  ]);
  expect(addressesIn("Anna <anna at x.example>")).toEqual(["anna at x.example"]);
  expect(addressesIn("anna.x.example\nbob@x.example")).toEqual(["anna.x.example", "bob@x.example"]);
  expect(addressesIn('"unfinished, a@x.example\nb@x.example')).toContain("b@x.example");
});

it("quotes that are of an address stay with it, and those around one go", () => {
  expect(addressesIn('"quoted"@example.com')).toEqual(['"quoted"@example.com']);
  expect(addressesIn('<"quoted"@example.com>, "a@x.example"')).toEqual(['"quoted"@example.com', "a@x.example"]);
});
