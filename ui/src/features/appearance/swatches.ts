// The colours that are offered. Any other can be typed.

export const SWATCHES = [
  { name: "Aegean", hex: "#3552d4" },
  { name: "Lagoon", hex: "#0e7490" },
  { name: "Pine", hex: "#0e7a5a" },
  { name: "Olive", hex: "#5b7a1f" },
  { name: "Marigold", hex: "#f0b429" },
  { name: "Terracotta", hex: "#d95b10" },
  { name: "Pomegranate", hex: "#c8283c" },
  { name: "Orchid", hex: "#b02f6e" },
  { name: "Violet", hex: "#7048c4" },
  { name: "Umber", hex: "#5d4632" },
  { name: "Slate", hex: "#475059" },
  { name: "Ink", hex: "#14161a" },
] as const;

/** `#rgb` or `#rrggbb` in any case as it is kept; null where it is no colour. */
export function kept(text: string): string | null {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1]?.toLowerCase();
  if (!digits) return null;
  return digits.length === 6 ? `#${digits}` : `#${[...digits].map((digit) => digit + digit).join("")}`;
}
