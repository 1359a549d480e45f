import {
  IconActivity,
  IconAdjustmentsHorizontal,
  IconAlertCircle,
  IconDatabase,
  IconDevices,
  IconKey,
  IconLayoutGrid,
  IconLock,
  IconPalette,
  IconShieldLock,
  IconSparkles,
  IconUserCircle,
  IconUsers,
} from "@tabler/icons-react";
import type { ComponentType } from "react";

/** A page of the settings: the end of its address, and what it is called. */
export type Place = {
  key: string;
  word: string;
  Icon: ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;
};

/** For owners: of the workspace that is open. */
export const OF_WORKSPACE: Place[] = [
  { key: "general", word: "General", Icon: IconAdjustmentsHorizontal },
  { key: "members", word: "Members", Icon: IconUsers },
  { key: "appearance", word: "Appearance", Icon: IconPalette },
  { key: "sign-in", word: "Sign-in", Icon: IconShieldLock },
  { key: "ai", word: "AI", Icon: IconSparkles },
  { key: "backups", word: "Backups", Icon: IconDatabase },
  { key: "activity", word: "Activity", Icon: IconActivity },
  { key: "danger", word: "Danger zone", Icon: IconAlertCircle },
];
/** For everybody: of one's own account. */
export const OF_ACCOUNT: Place[] = [
  { key: "profile", word: "Profile", Icon: IconUserCircle },
  { key: "security", word: "Security", Icon: IconLock },
  { key: "sessions", word: "Sessions", Icon: IconDevices },
  { key: "tokens", word: "Access tokens", Icon: IconKey },
  { key: "workspaces", word: "Workspaces", Icon: IconLayoutGrid },
];
