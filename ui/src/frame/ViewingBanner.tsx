import { Button } from "@mantine/core";
import { IconEye } from "@tabler/icons-react";
import type { MyWorkspace } from "@/api/nouns";
import { leaveView, viewing } from "@/api/viewing";
import css from "./frame.module.css";

/** Stands over every page for as long as an owner looks on as a member. */
export function ViewingBanner({ workspace }: { workspace: Pick<MyWorkspace, "name"> | null }) {
  const viewed = viewing();
  if (!viewed) return null;
  return (
    <div className={css.viewing} role="status">
      <IconEye size={17} stroke={1.75} aria-hidden />
      <span>
        You view {workspace?.name ?? "a workspace"} as <strong>{viewed.name}</strong> sees it. Nothing can be changed,
        and it is in the audit log.
      </span>
      <Button onClick={leaveView}>Leave</Button>
    </div>
  );
}
