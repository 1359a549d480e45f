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
  { to: "", word: "Overview", Icon: IconLayoutDashboard, counted: null },
  { to: "projects", word: "Projects", Icon: IconFolder, counted: "projects" },
  { to: "instances", word: "Instances", Icon: IconBox, counted: "instances" },
  { to: "servers", word: "Servers", Icon: IconServer2, counted: "servers" },
  { to: "members", word: "Members", Icon: IconUsers, counted: "members" },
  { to: "activity", word: "Activity", Icon: IconActivity, counted: null },
  { to: "settings", word: "Settings", Icon: IconSettings, counted: null },
] as const;

/** Whether a list of projects is open to this caller: the profile in the workspace's own answer says so. */
export const listsProjects = ({ permissions }: Pick<Workspace, "permissions">) =>
  permissions.actions.includes("view_projects");

/** Whether a project is open to this caller, by the same answer. */
export const listsProject = (workspace: Pick<Workspace, "permissions">, project: string) =>
  listsProjects(workspace) && (workspace.permissions.projects?.includes(project) ?? true);

/** What a workspace's own answer says is open to this caller: sections that could only refuse aren't offered. */
export function sectionsOf(workspace: Workspace) {
  const { servers } = workspace.permissions;
  return SECTIONS.filter(({ to }) => {
    if (to === "projects") return listsProjects(workspace);
    return to !== "servers" || servers === null || servers.length > 0;
  });
}
