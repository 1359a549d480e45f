import { Link } from "@tanstack/react-router";
import type { ComponentProps } from "react";

/** A link to an address of the page that is put together from slugs. */
export function Go({ to, ...rest }: Omit<ComponentProps<"a">, "href" | "ref"> & { to: string }) {
  // The router's type knows the patterns of addresses, not those that are filled in.
  return <Link to={to as "/"} activeOptions={{ exact: true }} {...rest} />;
}
