import { PageTitle } from "@/kit";

export function ServersPage() {
  return <PageTitle title="Servers" />;
}

export function ServerPage() {
  return <PageTitle title="Server" />;
}
