import { PageTitle } from "@/kit";

export function MembersPage() {
  return <PageTitle title="Members" />;
}
