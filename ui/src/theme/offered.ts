import type { ComboboxItem, ComboboxParsedItem, OptionsFilter } from "@mantine/core";

const isOption = (option: ComboboxParsedItem): option is ComboboxItem => "value" in option;

/** All of them while one of them stands in the field: whoever opens the list then looks for another. */
export const offered: OptionsFilter = ({ options, search, limit }) => {
  const sought = search.trim().toLowerCase();
  const found = options.filter(isOption);
  const isOne = found.some(({ label }) => label.toLowerCase() === sought);
  return found.filter(({ label }) => isOne || label.toLowerCase().includes(sought)).slice(0, limit);
};
