// One colour of a workspace becomes seven variables per scheme. Nothing here knows of React or of the page.

import { contrast, inGamut, over, parseHex, type Rgb, toHex, toOklch } from "./oklch";

export type Scheme = "light" | "dark";
export const DEFAULT_COLOR = "#3552d4";

type Ground = { surface: Rgb; card: Rgb; bg: Rgb; direction: -1 | 1; tint: number; strong: number; soft: number };

const rgb = (hex: string): Rgb => parseHex(hex) ?? [0, 0, 0];
const WHITE = rgb("#ffffff");
const BLACK = rgb("#000000");

const GROUNDS: Record<Scheme, Ground> = {
  light: {
    surface: rgb("#ffffff"),
    card: rgb("#ffffff"),
    bg: rgb("#f7f7f9"),
    direction: -1,
    tint: 0.1,
    strong: 0.18,
    soft: 0.3,
  },
  dark: {
    surface: rgb("#121317"),
    card: rgb("#15171b"),
    bg: rgb("#0c0d10"),
    direction: 1,
    tint: 0.2,
    strong: 0.32,
    soft: 0.62,
  },
};

export type Brand = {
  fill: string;
  label: string;
  fillHover: string;
  tint: string;
  tintStrong: string;
  text: string;
  ring: string;
  edge: string;
  chartSoft: string;
};

function clamp(lightness: number): number {
  return Math.min(0.995, Math.max(0.005, lightness));
}

/** Moves lightness until the contrast is reached on every ground; at the end of the scale, that end. */
function moved(color: Rgb, direction: -1 | 1, least: number, grounds: Rgb[]): Rgb {
  const reaches = (found: Rgb) => grounds.every((ground) => contrast(found, ground) >= least);
  if (reaches(color)) return color;
  const from = toOklch(color);
  let lightness = clamp(from.lightness);
  while (lightness > 0.005 && lightness < 0.995) {
    lightness = clamp(lightness + direction * 0.005);
    const found = inGamut({ ...from, lightness });
    if (reaches(found)) return found;
  }
  return direction < 0 ? BLACK : WHITE;
}

export function brand(hex: string, scheme: Scheme): Brand {
  const fill = rgb(parseHex(hex) ? hex : DEFAULT_COLOR);
  const ground = GROUNDS[scheme];
  const label = contrast(fill, WHITE) >= 4.5 ? WHITE : BLACK;
  const from = toOklch(fill);
  const hover = inGamut({ ...from, lightness: clamp(from.lightness + (label === WHITE ? -0.05 : 0.05)) });
  const fillHover = contrast(hover, label) >= contrast(fill, label) ? hover : fill;
  const tint = over(fill, ground.surface, ground.tint);
  const tintStrong = over(fill, ground.surface, ground.strong);
  const page = [ground.surface, ground.card, ground.bg];
  const text = moved(fill, ground.direction, 4.6, [...page, tint, over(fill, ground.bg, ground.tint)]);
  const ring = moved(fill, ground.direction, 3.2, page);
  const needsEdge = contrast(fill, ground.surface) < 3;
  return {
    fill: toHex(fill),
    label: toHex(label),
    fillHover: toHex(fillHover),
    tint: toHex(tint),
    tintStrong: toHex(tintStrong),
    text: toHex(text),
    ring: toHex(ring),
    edge: needsEdge ? toHex(ring) : "transparent",
    chartSoft: toHex(over(fill, ground.surface, ground.soft)),
  };
}

/** Text on a ground, with how well it can be read: WCAG's ratio, the worst of the grounds that it stands on. */
export type Measured = { color: string; ratio: number };

/** What is reached with a colour: by the label on the fill, and by links and the active item in each scheme. */
export function measured(hex: string): { label: Measured; light: Measured; dark: Measured } {
  const of = (scheme: Scheme): Measured => {
    const { fill, text } = brand(hex, scheme);
    const { surface, card, bg, tint } = GROUNDS[scheme];
    const grounds = [surface, card, bg, over(rgb(fill), surface, tint), over(rgb(fill), bg, tint)];
    return { color: text, ratio: Math.min(...grounds.map((ground) => contrast(rgb(text), ground))) };
  };
  const { fill, label } = brand(hex, "light");
  const onFill = { color: label, ratio: contrast(rgb(fill), rgb(label)) };
  return { label: onFill, light: of("light"), dark: of("dark") };
}

const NAMES: Record<keyof Brand, string> = {
  fill: "fill",
  label: "label",
  fillHover: "fill-hover",
  tint: "tint",
  tintStrong: "tint-strong",
  text: "text",
  ring: "ring",
  edge: "edge",
  chartSoft: "chart-soft",
};

/** The variables of a colour for a part of the page, as React takes styles. */
export function declarationsOf(hex: string): Record<string, string> {
  return Object.fromEntries(
    (["light", "dark"] as const).flatMap((scheme) => {
      const found = brand(hex, scheme);
      return (Object.keys(NAMES) as (keyof Brand)[]).map((key) => [`--brand-${scheme}-${NAMES[key]}`, found[key]]);
    }),
  );
}

/** As the server writes them into the shell: one string of declarations for both schemes. */
export function declarations(hex: string): string {
  return (["light", "dark"] as const)
    .flatMap((scheme) => {
      const found = brand(hex, scheme);
      return (Object.keys(NAMES) as (keyof Brand)[]).map((key) => `--brand-${scheme}-${NAMES[key]}:${found[key]};`);
    })
    .join("");
}

/** Puts a workspace's colour on the whole page; without one, Stoa's own. */
export function wear(hex: string | null, root: HTMLElement = document.documentElement): void {
  for (const scheme of ["light", "dark"] as const) {
    const variables = hex ? brand(hex, scheme) : null;
    for (const [key, name] of Object.entries(NAMES)) {
      const property = `--brand-${scheme}-${name}`;
      if (variables) root.style.setProperty(property, variables[key as keyof Brand]);
      else root.style.removeProperty(property);
    }
  }
}
