import { PageTitle } from "@/kit";

export function FirstStartPage() {
  return <PageTitle title="FirstStart" />;
}
