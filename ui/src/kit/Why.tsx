// *Why?*: asks for the server's own reasons about oneself. The frame answers it; where there is none, nothing is shown.

import { Button, type ButtonProps } from "@mantine/core";
import { IconHelp } from "@tabler/icons-react";
import { createContext, useContext } from "react";
import type { ActionKey } from "@/api/nouns";

/** One resource of a workspace. */
export type About = { kind: "project" | "instance" | "server"; id: string; name: string };

/** An action permission, or what owners do. */
export type AskedKey = ActionKey | "manage";

/** What is asked about: an action, a thing, both, or neither yet; or the address that leads to nothing. */
export type Question = {
  action?: AskedKey | undefined;
  about?: About | undefined;
  isMissing?: boolean | undefined;
};

export const WhyContext = createContext<((question: Question) => void) | null>(null);

/** Opens the reasons for what is refused, or isn't there. */
export function WhyButton({ action, about, isMissing, ...rest }: Question & Omit<ButtonProps, "children">) {
  const ask = useContext(WhyContext);
  if (!ask) return null;
  return (
    <Button
      variant="subtle"
      leftSection={<IconHelp size={16} stroke={1.75} aria-hidden />}
      {...rest}
      onClick={() => ask({ action, about, isMissing })}
    >
      Why?
    </Button>
  );
}
