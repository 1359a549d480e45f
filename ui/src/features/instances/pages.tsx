import { PageTitle } from "@/kit";

export function InstancesPage() {
  return <PageTitle title="Instances" />;
}

export function InstancePage() {
  return <PageTitle title="Instance" />;
}
