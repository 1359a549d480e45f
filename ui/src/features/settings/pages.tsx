import { PageTitle } from "@/kit";

export function AccountSettingsPage() {
  return <PageTitle title="AccountSettings" />;
}

export function WorkspaceSettingsPage() {
  return <PageTitle title="WorkspaceSettings" />;
}
