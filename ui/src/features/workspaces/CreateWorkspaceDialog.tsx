export function CreateWorkspaceDialog(_: { opened: boolean; onClose: () => void }) {
  return null;
}
