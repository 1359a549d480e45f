import { Button, PasswordInput, TextInput, type TextInputProps } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import css from "./held.module.css";
import { Time } from "./Time";

// What helps stands below the field, as everywhere.
const field = {
  inputWrapperOrder: ["label", "input", "error", "description"],
  spellCheck: false,
  autoComplete: "off",
} satisfies TextInputProps;

type Typed = { value: string; onChange: (value: string) => void };

/** A field for what machines read: an address, a name, an id. */
export function CodeField({ onChange, ...rest }: Typed & Omit<TextInputProps, keyof Typed | keyof typeof field>) {
  return (
    <TextInput
      {...field}
      {...rest}
      classNames={{ input: css.code ?? "" }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

type Kept = {
  /** Its last letters, where they are told. */
  ends?: string | null;
  by: string | null;
  at: string | null;
  help: string;
  onReplace: () => void;
  onRemove?: () => void;
  isRemoving?: boolean;
};

/** A key: by whom it was set where it is kept, and a field for it where none is or it is being replaced. */
export function KeyField(
  props: Typed & { label: string; kept: Kept | null; help: string; error: string | undefined; maxLength: number },
) {
  const { label, kept } = props;
  if (!kept)
    return (
      <PasswordInput
        {...field}
        label={label}
        description={props.help}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        error={props.error}
        maxLength={props.maxLength}
        classNames={{ innerInput: css.code ?? "" }}
      />
    );
  return (
    <div>
      <div className={css.label}>{label}</div>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own */}
      <div className={css.kept} role="group" aria-label={label}>
        <IconKey size={16} stroke={1.75} aria-hidden />
        <span>
          Set
          {kept.ends && (
            <>
              , ends in <code>{kept.ends}</code>
            </>
          )}
          <span className={css.by}>
            {kept.by && `${kept.ends ? "," : ""} by ${kept.by} `}
            {kept.at && <Time at={kept.at} />}
          </span>
        </span>
        <Button variant="subtle" data-size="xs" onClick={kept.onReplace}>
          Replace
        </Button>
        {kept.onRemove && (
          <Button variant="subtle" data-size="xs" loading={kept.isRemoving ?? false} onClick={kept.onRemove}>
            Remove
          </Button>
        )}
      </div>
      <p className={css.help}>{kept.help}</p>
    </div>
  );
}
