import {
  IconActivity,
  IconBox,
  IconFolder,
  IconLayoutDashboard,
  IconServer2,
  IconSettings,
  IconUsers,
} from "@tabler/icons-react";
import type { Workspace } from "@/api/nouns";

const SECTIONS = [
  { to: "", word: "Overview", Icon: IconLayoutDashboard, needs: null, counted: null },
  { to: "projects", word: "Projects", Icon: IconFolder, needs: "view_projects", counted: "projects" },
  { to: "instances", word: "Instances", Icon: IconBox, needs: null, counted: "instances" },
  { to: "servers", word: "Servers", Icon: IconServer2, needs: null, counted: "servers" },
  { to: "members", word: "Members", Icon: IconUsers, needs: null, counted: "members" },
  { to: "activity", word: "Activity", Icon: IconActivity, needs: null, counted: null },
  { to: "settings", word: "Settings", Icon: IconSettings, needs: null, counted: null },
] as const;

/** What a workspace's own answer says is open to this caller: sections that could only refuse aren't offered. */
export function sectionsOf(workspace: Workspace) {
  const { actions, servers } = workspace.permissions;
  return SECTIONS.filter(({ to, needs }) => {
    if (needs && !actions.includes(needs)) return false;
    return to !== "servers" || servers === null || servers.length > 0;
  });
}
