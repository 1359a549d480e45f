// The ten action permissions in the words of the page. What they decide is the server's alone.

import type { ActionKey } from "@/api/nouns";

export type ActionWords = { key: ActionKey; label: string; sentence: string; implies: string };

export const ACTIONS: ActionWords[] = [
  {
    key: "view_projects",
    label: "View projects",
    sentence: "Open the Projects section and a project's details.",
    implies: "",
  },
  {
    key: "restart_instances",
    label: "Restart",
    sentence: "Soft- or hard-restart an instance, and start a stopped one.",
    implies: "",
  },
  {
    key: "connect_as_user",
    label: "Connect as user",
    sentence: "Open an instance as one of the application's own users.",
    implies: "Sees what that user sees. Every use asks a reason.",
  },
  {
    key: "merge_branches",
    label: "Merge branches",
    sentence: "Merge a branch into a target branch.",
    implies: "Deploys every instance of the target, which must all be allowed.",
  },
  { key: "stop_instances", label: "Stop", sentence: "Stop a running instance.", implies: "" },
  {
    key: "delete_instances",
    label: "Delete",
    sentence: "Permanently delete a staging or development instance.",
    implies: "",
  },
  {
    key: "manage_backups",
    label: "Backups",
    sentence: "Create, download, restore and delete backups.",
    implies: "A download holds all of the instance's data and its plain variables.",
  },
  { key: "view_logs", label: "Logs", sentence: "Read and follow application and deployment logs.", implies: "" },
  {
    key: "use_ide",
    label: "Web IDE",
    sentence: "Files, terminal and git, inside the instance.",
    implies: "A shell: its holder can read data, settings and logs.",
  },
  {
    key: "manage_settings",
    label: "Settings",
    sentence: "Open and change the instance's Settings tab.",
    implies: "",
  },
];

export function actionOf(key: string): ActionWords | undefined {
  return ACTIONS.find((action) => action.key === key);
}
