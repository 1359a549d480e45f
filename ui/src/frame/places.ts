const LISTS = ["projects", "instances", "servers", "members", "activity", "settings"];

/** The page of another workspace that answers to the one that is open: list to list, settings page to the same. */
export function samePlaceIn(slug: string, pathname: string): string {
  const [, section = "", page = ""] = pathname.split("/").filter(Boolean);
  if (section === "settings" && page) return `/${slug}/settings/${page}`;
  return LISTS.includes(section) ? `/${slug}/${section}` : `/${slug}`;
}
