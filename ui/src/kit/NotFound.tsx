import { Button } from "@mantine/core";
import { IconArrowLeft, IconMapQuestion } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { State } from "./States";
import { useTitle } from "./useTitle";
import { WhyButton } from "./Why";

export function NotFound({ children, home }: { children?: ReactNode; home?: string | undefined }) {
  useTitle("Not found");
  return (
    <State
      icon={IconMapQuestion}
      title="There is nothing here"
      actions={
        <>
          <Button component={Link} to={home ? `/${home}` : "/"} leftSection={<IconArrowLeft size={16} stroke={1.75} />}>
            {home ? "Back to the overview" : "Back to my workspaces"}
          </Button>
          <WhyButton isMissing />
        </>
      }
    >
      {children ?? "The address leads to nothing that exists, or to nothing that you may see."}
    </State>
  );
}
