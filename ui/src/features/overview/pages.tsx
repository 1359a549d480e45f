import { PageTitle } from "@/kit";

export function OverviewPage() {
  return <PageTitle title="Overview" />;
}
