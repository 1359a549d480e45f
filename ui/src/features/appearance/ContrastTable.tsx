import { IconCircleCheckFilled } from "@tabler/icons-react";
import { declarationsOf, measured } from "@/theme/brand";
import css from "./appearance.module.css";

/** What is measured of the colour, and what Stoa makes of it where it would be too faint. */
export function ContrastTable({ color }: { color: string }) {
  const { label, light, dark } = measured(color);
  const rows = [
    {
      key: "label",
      scheme: "light",
      ground: css.ofFill,
      word: "Label on the primary button",
      more: label.color === "#ffffff" ? "white" : "black",
      ratio: label.ratio,
    },
    {
      key: "light",
      scheme: "light",
      ground: css.ofTint,
      word: "Links and active item, light",
      more: light.color === color ? "" : light.color,
      ratio: light.ratio,
    },
    {
      key: "dark",
      scheme: "dark",
      ground: css.ofTint,
      word: "Links and active item, dark",
      more: dark.color === color ? "" : dark.color,
      ratio: dark.ratio,
    },
  ];
  return (
    <section aria-label="Contrast">
      <h2 className={`${css.heading} ${css.close}`}>Contrast</h2>
      <p className={css.help}>
        Where your colour would be too faint or too dark for text, Stoa moves its lightness until it reads. The fill
        stays exactly yours.
      </p>
      <ul className={css.contrast} style={declarationsOf(color)}>
        {rows.map(({ key, scheme, ground, word, more, ratio }) => (
          <li key={key}>
            <span className={css.worn} data-mantine-color-scheme={scheme}>
              <span className={`${css.sample} ${ground}`} aria-hidden>
                Aa
              </span>
            </span>
            <span className={css.of}>
              {word} {more && <span className={css.more}>{more}</span>}
            </span>
            <span className={`${css.ratio} numbers`}>{Math.floor(ratio * 10) / 10}:1</span>
            <span className={css.reached}>
              <IconCircleCheckFilled size={14} aria-hidden />
              AA
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
