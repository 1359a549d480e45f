import { useMediaQuery } from "@mantine/hooks";

const useUnder = (width: string) =>
  useMediaQuery(`(max-width: ${width})`, false, { getInitialValueInEffect: false }) ?? false;

/** One hand holds it: dialogs fill the screen, what isn't needed at once stands in menus. */
export const usePhone = () => useUnder("47.99em");

/** Between a phone and a wide page too: the sidebar is a drawer, tables are cards. */
export const useNarrow = () => useUnder("63.99em");
