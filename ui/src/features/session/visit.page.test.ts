import { expect, test } from "vitest";
import { visitAfter } from "./SignIn";

const ORIGIN = "http://localhost:8080";

test("whoever came from a site for members goes on there, by the server's own address", () => {
  const to = "/visit/01890a5d/01890a5e?to=%2Fpage";
  expect(visitAfter(`?to=${encodeURIComponent(to)}`, ORIGIN)).toBe(to);
});

test("no other address is gone to", () => {
  for (const to of ["", "/acme", "//evil.example/visit/", "https://evil.example/visit/", "/visit/../acme", "visit/x"])
    expect(visitAfter(`?to=${encodeURIComponent(to)}`, ORIGIN), to).toBeNull();
});
