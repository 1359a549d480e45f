import { Autocomplete } from "@mantine/core";
import type { Here } from "./SettingForm";

/** Any name can be typed; those that the member may see are offered. */
export function ChooseBranch(props: {
  here: Here;
  value: string;
  onChange: (branch: string) => void;
  error: string | undefined;
}) {
  const { branch, branches } = props.here.settings;
  return (
    <Autocomplete
      label="Branch"
      value={props.value}
      data={[...new Set([...(branches ?? []), branch])]}
      onChange={props.onChange}
      spellCheck={false}
      autoComplete="off"
      error={props.error}
    />
  );
}
