// *Why?*: asks for the server's own reasons about oneself. The frame answers it; where there is none, nothing is shown.

import { Button, type ButtonProps } from "@mantine/core";
import { IconHelp } from "@tabler/icons-react";
import { createContext, useContext } from "react";
import type { ActionKey } from "@/api/nouns";

/** One resource of a workspace. */
export type About = { kind: "project" | "instance" | "server"; id: string; name: string };

/** What is asked about: an action, a thing, both, or neither yet. */
export type Question = { action?: ActionKey | undefined; about?: About | undefined };

export const WhyContext = createContext<((question: Question) => void) | null>(null);

/** Opens the reasons for what is refused, or isn't there. */
export function WhyButton({ action, about, ...rest }: Question & Omit<ButtonProps, "children">) {
  const ask = useContext(WhyContext);
  if (!ask) return null;
  return (
    <Button
      variant="subtle"
      leftSection={<IconHelp size={16} stroke={1.75} aria-hidden />}
      {...rest}
      onClick={() => ask({ action, about })}
    >
      Why?
    </Button>
  );
}
