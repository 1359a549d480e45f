import { PageTitle } from "@/kit";

export function DeploymentPage() {
  return <PageTitle title="Deployment" />;
}
