import { Button } from "@mantine/core";
import { IconArrowLeft, IconDoorExit, IconEyeOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { leaveView, viewing } from "@/api/viewing";
import { State } from "@/kit";
import { useTitle } from "@/kit/useTitle";
import { dress } from "@/theme/look";

/** In place of what isn't of the workspace that is viewed: it is the owner's own, and not what the member sees. */
export function Elsewhere() {
  useTitle("Closed while you view");
  useEffect(() => dress(null), []);
  const viewed = viewing();
  if (!viewed) return null;
  return (
    <State
      icon={IconEyeOff}
      title="Closed while you view as a member"
      actions={
        <Button component={Link} to={`/${viewed.workspace}`} leftSection={<IconArrowLeft size={16} stroke={1.75} />}>
          Back to what {viewed.name} sees
        </Button>
      }
    >
      This isn't of the workspace that you view. Leave the view to open it as yourself.
    </State>
  );
}

/** In place of the workspace once nothing of it is answered for that member any more. */
export function ViewEnded({ name, isStillMine }: { name: string; isStillMine: boolean }) {
  useTitle("The view has ended");
  const viewed = viewing();
  if (!viewed) return null;
  return (
    <State
      icon={IconDoorExit}
      title="The view has ended"
      actions={
        <Button onClick={leaveView} variant="filled">
          Go on as yourself
        </Button>
      }
    >
      {viewed.name} isn't a member of {name} any more{!isStillMine && ", or the workspace isn't open to you yourself"}.
      Nothing that they saw is shown any more.
    </State>
  );
}
