import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { brand, declarations, wear } from "./brand";
import { contrast, over, parseHex, type Rgb } from "./oklch";

const rgb = (hex: string) => parseHex(hex) as Rgb;
const digits = "0123456789abcdef";
const all = [...digits].flatMap((r) => [...digits].flatMap((g) => [...digits].map((b) => `#${r}${g}${b}`)));

describe("the brand colour", () => {
  for (const [scheme, surface, bg, share] of [
    ["light", "#ffffff", "#f7f7f9", 0.1],
    ["dark", "#121317", "#0c0d10", 0.2],
  ] as const) {
    it(`can be read in ${scheme}, whatever the colour`, () => {
      const least = { label: 99, hover: 99, text: 99, ring: 99 };
      for (const hex of all) {
        const found = brand(hex, scheme);
        const fill = rgb(found.fill);
        const tint = over(fill, rgb(surface), share);
        least.label = Math.min(least.label, contrast(rgb(found.label), fill));
        least.hover = Math.min(least.hover, contrast(rgb(found.label), rgb(found.fillHover)));
        for (const ground of [rgb(surface), rgb(bg), tint])
          least.text = Math.min(least.text, contrast(rgb(found.text), ground));
        for (const ground of [rgb(surface), rgb(bg)])
          least.ring = Math.min(least.ring, contrast(rgb(found.ring), ground));
      }
      expect(all).toHaveLength(4096);
      expect(least.label).toBeGreaterThanOrEqual(4.5);
      expect(least.hover).toBeGreaterThanOrEqual(4.5);
      expect(least.text).toBeGreaterThanOrEqual(4.6);
      expect(least.ring).toBeGreaterThanOrEqual(3.2);
    });
  }

  it("is worn exactly as chosen, short or long, upper or lower", () => {
    expect(brand("#F80", "light").fill).toBe("#ff8800");
    expect(brand("#0E7A5A", "dark").fill).toBe("#0e7a5a");
    expect(brand("#F80", "light").label).toBe("#000000");
  });

  it("gives an edge to what would be lost on the page, and to nothing else", () => {
    expect(brand("#ffee88", "light").edge).not.toBe("transparent");
    expect(brand("#ffee88", "dark").edge).toBe("transparent");
    expect(brand("#000", "dark").edge).not.toBe("transparent");
  });

  it("becomes the same on the server, which reads this list too", () => {
    const file = "src/theme/brand.golden.json";
    const colors = ["#3552d4", "#0e7a5a", "#b45309", "#0f766e", "#ffee88", "#000000", "#ffffff", "#808080"];
    const some = all.filter((_, at) => at % 61 === 0).map((hex) => brand(hex, "light").fill);
    const found = Object.fromEntries([...colors, ...some].map((hex) => [hex, declarations(hex)]));
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
    expect(found).toEqual(JSON.parse(readFileSync(file, "utf8")));
  });

  it("is taken off again without a trace", () => {
    const root = document.createElement("div");
    wear("#0e7a5a", root);
    expect(root.style.getPropertyValue("--brand-light-fill")).toBe("#0e7a5a");
    wear(null, root);
    expect(root.style.length).toBe(0);
  });
});
