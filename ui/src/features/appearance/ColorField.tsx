import { TextInput } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import css from "./appearance.module.css";
import { kept, SWATCHES } from "./swatches";

type Props = { text: string; onChange: (text: string) => void; error: string | undefined };

/** Twelve colours to pick from, and a field for any other. */
export function ColorField({ text, onChange, error }: Props) {
  const color = kept(text);
  const swatch = SWATCHES.find(({ hex }) => hex === color);
  return (
    <section aria-label="Primary colour">
      <h2 className={css.heading}>Primary colour</h2>
      <div className={css.swatches} role="radiogroup" aria-label="Colours to pick from">
        {SWATCHES.map(({ name, hex }) => (
          <label key={hex} className={css.swatch} style={{ background: hex }} title={name}>
            <input
              type="radio"
              name="colour"
              aria-label={name}
              checked={hex === color}
              onChange={() => onChange(hex)}
            />
            {hex === color && (
              <IconCheck size={18} stroke={2.25} aria-hidden className={hex === "#f0b429" ? css.onLight : css.onDark} />
            )}
          </label>
        ))}
      </div>
      <div className={css.hex}>
        <TextInput
          label="Hex code"
          w={168}
          value={text}
          maxLength={9}
          spellCheck={false}
          autoComplete="off"
          classNames={{ input: css.code ?? "" }}
          leftSection={<span className={css.dot} style={color ? { background: color } : undefined} aria-hidden />}
          onChange={(event) => onChange(event.currentTarget.value)}
          error={color ? error : "Write # and three or six digits of 0-9 and a-f."}
        />
        <span className={css.help}>{swatch ? `${swatch.name}. ` : ""}#rgb or #rrggbb.</span>
      </div>
    </section>
  );
}
