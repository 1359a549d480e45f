import { PageTitle } from "@/kit";

export function ProjectsPage() {
  return <PageTitle title="Projects" />;
}

export function ProjectPage() {
  return <PageTitle title="Project" />;
}
