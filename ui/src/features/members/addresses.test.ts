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
