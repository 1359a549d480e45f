import { PageTitle } from "@/kit";

export function HomePage() {
  return <PageTitle title="Home" />;
}

export function MyWorkspacesPage() {
  return <PageTitle title="MyWorkspaces" />;
}
