/** For `renderRoot` of an item of a menu that is chosen or not: Mantine calls each of them a plain one, which can't be. */
export const checkable = (role: "menuitemradio" | "menuitemcheckbox") => (root: Record<string, unknown>) => (
  <button type="button" {...root} role={role} />
);
