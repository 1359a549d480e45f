import type { Workspace } from "@/api/types";

export function Palette(_: { workspace: Workspace | null; onClose: () => void }) {
  return null;
}
