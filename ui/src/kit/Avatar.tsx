import { brand } from "@/theme/brand";
import { Cut } from "./Cut";
import css from "./kit.module.css";

// Ten grounds on which white reaches 4.5:1, one per person by the name.
const GROUNDS = [
  "#3b4a6b",
  "#2c5d4f",
  "#7a4a2b",
  "#6b3b6b",
  "#74404f",
  "#3b5b85",
  "#5a5a33",
  "#44546b",
  "#5b4a8a",
  "#6b4a3b",
];

export function initials(name: string): string {
  const words = name.split(/[\s.@_-]+/u).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toLocaleUpperCase();
}

/** The smallest letters there are. Where two of that size don't fit, one stands for both. */
const LEAST = 11;
const ROOM_FOR_TWO = 26;

/** What stands on a picture of so many pixels, and how large. */
export function lettering(name: string, size: number, share: number): { text: string; fontSize: number } {
  const text = initials(name);
  const isOne = size < ROOM_FOR_TWO;
  return { text: isOne ? ([...text][0] ?? "?") : text, fontSize: Math.max(LEAST, Math.round(size * share)) };
}

function ground(name: string): string {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return GROUNDS[sum % GROUNDS.length] ?? "#3b4a6b";
}

export function PersonAvatar({ name, size = 28 }: { name: string; size?: number }) {
  const { text, fontSize } = lettering(name, size, 0.38);
  return (
    <span className={css.avatar} aria-hidden style={{ width: size, height: size, fontSize, background: ground(name) }}>
      {text}
    </span>
  );
}

/** Somebody's picture and name in a line. `of` is whose picture it is, where `name` holds more than the name. */
export function Person({ name, of = name, size = 18 }: { name: string; of?: string; size?: number }) {
  return (
    <span className={css.person}>
      <PersonAvatar name={of} size={size} />
      <Cut text={name} />
    </span>
  );
}

/** The first letter of a thing that has no picture of its own. */
export function Tile({ name }: { name: string }) {
  return (
    <span className={css.tile} aria-hidden>
      {initials(name).slice(0, 1)}
    </span>
  );
}

/** With room for both letters: a workspace's are the same wherever it stands. 16 is the picture of a browser's tab. */
type LogoSize = 16 | 26 | 28 | 40 | 56 | 72;

/** The logo as uploaded, else the initials on the workspace's colour. */
export function WorkspaceLogo(props: {
  name: string;
  url?: string | null;
  /** The colour of a workspace that isn't the one whose page this is. */
  of?: string;
  size?: LogoSize;
}) {
  const size = props.size ?? 28;
  const other = props.of ? brand(props.of, "light") : null;
  if (props.url) return <img className={css.logo} src={props.url} alt="" width={size} height={size} />;
  const { text, fontSize } = lettering(props.name, size, 0.36);
  return (
    <span
      className={css.avatar}
      aria-hidden
      style={{
        width: size,
        height: size,
        fontSize,
        borderRadius: Math.round(size * 0.25),
        background: other?.fill ?? "var(--brand-fill)",
        color: other?.label ?? "var(--brand-label)",
        // The fill of a pale one is hardly seen on the page.
        boxShadow: `inset 0 0 0 1px ${other ? "var(--line2)" : "var(--brand-edge)"}`,
      }}
    >
      {text}
    </span>
  );
}
