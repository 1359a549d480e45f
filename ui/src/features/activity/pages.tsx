import { PageTitle } from "@/kit";

export function ActivityPage() {
  return <PageTitle title="Activity" />;
}
