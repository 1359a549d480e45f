import { TextInput, type TextInputProps } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

type Props = Omit<TextInputProps, "value" | "onChange"> & { value: string; onChange: (text: string) => void };

/** What a list is searched for: `onChange` is told a moment after somebody types. */
export function SearchField({ value, onChange, ...rest }: Props) {
  const [text, setText] = useState(value);
  const written = useRef(value);
  const later = useDebouncedCallback((text: string) => {
    written.current = text;
    onChange(text);
  }, 120);
  // What the address says anew, by a link or by Back, the field says too; what is still being typed stays.
  useEffect(() => {
    if (value !== written.current) setText(value);
    written.current = value;
  }, [value]);
  return (
    <TextInput
      leftSection={<IconSearch size={15} stroke={1.75} aria-hidden />}
      {...rest}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}
