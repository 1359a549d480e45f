import { beforeEach, expect, it } from "vitest";
import { forget, remember, rememberedAt } from "./remembered";

const look = (slug: string) => ({ slug, name: `The ${slug}`, primary_color: "#0e7a5a", logo_url: null });

beforeEach(() => localStorage.clear());

it("is worn at the addresses of that workspace alone", async () => {
  await remember(look("acme"));
  expect(rememberedAt("/acme/members")?.name).toBe("The acme");
  expect(rememberedAt("/umbra/members")).toBeNull();
  expect(rememberedAt("/login")).toBeNull();
});

it("is the last one's at the front door", async () => {
  await remember(look("acme"));
  await remember(look("umbra"));
  localStorage.setItem("stoa-last-workspace", "umbra");
  expect(rememberedAt("/login")?.slug).toBe("umbra");
  expect(rememberedAt("/")?.slug).toBe("umbra");
});

it("is forgotten with the membership, and of many only the newest are kept", async () => {
  for (const slug of ["a1", "b1", "c1", "d1", "e1"]) await remember(look(slug));
  expect(rememberedAt("/a1")).toBeNull();
  expect(rememberedAt("/e1")).not.toBeNull();
  forget("e1");
  expect(rememberedAt("/e1")).toBeNull();
});
