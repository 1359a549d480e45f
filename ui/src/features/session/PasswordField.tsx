import { PasswordInput } from "@mantine/core";

/** A new password, with what one has to be. */
export function NewPasswordField(props: {
  label?: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
}) {
  return (
    <PasswordInput
      label={props.label ?? "Password"}
      description="At least 10 characters. A sentence is fine."
      inputWrapperOrder={["label", "input", "error", "description"]}
      autoComplete="new-password"
      required
      withAsterisk={false}
      minLength={10}
      maxLength={128}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={props.error}
    />
  );
}
