// What is asked of an instance's settings. They are asked anew with its variables: by the same events.

import { type InstanceSettings, listSettingsChanges, type SettingsChange, viewSettings } from "@/api/generated";
import { useObject, usePages } from "@/api/queries";

/** What is refreshed when something was set. */
export const AFTER = ["environment", "instances", "deployments", "jobs"] as const;

export const useSettings = (workspace: string, instance: string, enabled = true) =>
  useObject<InstanceSettings>(
    workspace,
    "environment",
    `/instances/${instance}/settings`,
    (init) => viewSettings(workspace, instance, init),
    enabled,
  );

export const useChanges = (workspace: string, instance: string) =>
  usePages<SettingsChange>(workspace, "environment", [instance, "changes"], (page, init) =>
    listSettingsChanges(workspace, instance, page, init),
  );
