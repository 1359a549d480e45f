import { expect, test } from "vitest";
import { hostOf, isBySsh } from "./address";

test("by ssh is what git takes for it", () => {
  for (const url of ["git@git.example.com:team/shop.git", "ssh://git@git.example.com/shop", " ssh://h/x"])
    expect(isBySsh(url), url).toBe(true);
  for (const url of ["https://git.example.com/team/shop.git", "http://127.0.0.1:3000/x", ""])
    expect(isBySsh(url), url).toBe(false);
});

test("the host is what stands before the path", () => {
  expect(hostOf("git@git.example.com:team/shop.git")).toBe("git.example.com");
  expect(hostOf("ssh://git@git.example.com:2222/shop")).toBe("git.example.com");
  expect(hostOf("https://git.example.com/team")).toBe("git.example.com");
});
