import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconFolder, IconPlus, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useProjects } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, EmptyPage, Failed, Go, LoadingRows, More, PageTitle, Panel, Table, Time } from "@/kit";
import { NewProjectDialog, Whence } from "./later";

export function ProjectsPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search, 150);
  const [isMaking, setMaking] = useState(false);
  const projects = useProjects(workspace.slug, { q });
  const make = (
    <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
      New project
    </Button>
  );
  if (projects.error) return <Failed error={projects.error} home={workspace.slug} />;
  return (
    <div>
      <PageTitle
        title="Projects"
        sentence="Applications, and the repositories they come from."
        actions={isOwner && (q || Boolean(projects.items?.length)) && make}
      />
      <TextInput
        placeholder="Find a project"
        aria-label="Find a project"
        leftSection={<IconSearch size={15} stroke={1.75} />}
        w={{ base: "100%", xs: 260 }}
        mb={14}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      {!projects.items ? (
        <LoadingRows />
      ) : projects.items.length === 0 ? (
        q ? (
          <Panel>
            <Empty icon={IconFolder} title="No project fits" inline>
              Search for another name.
            </Empty>
          </Panel>
        ) : (
          <EmptyPage title="No projects" action={isOwner && make}>
            {isOwner
              ? "A project is an application with its repository, which Stoa hosts or fetches from elsewhere."
              : "No project is allowed to you. Ask an owner of the workspace."}
          </EmptyPage>
        )
      ) : (
        <Panel>
          <Table label="Projects" head={["Project", "Repository", "Instances", "Created"]}>
            {projects.items.map((project) => (
              <tr key={project.id}>
                <td>
                  <Go
                    to={`/${workspace.slug}/projects/${project.slug}`}
                    style={{ fontWeight: 600, color: "var(--text)" }}
                  >
                    {project.name}
                  </Go>
                </td>
                <td data-label="Repository">
                  {project.repository.remote || project.repository.has_commits ? (
                    <Whence project={project} />
                  ) : (
                    "Nothing pushed yet"
                  )}
                </td>
                <td data-label="Instances">{project.instances}</td>
                <td data-label="Created">
                  <Time at={project.created_at} />
                </td>
              </tr>
            ))}
          </Table>
          <More {...projects} />
        </Panel>
      )}
      {isMaking && <NewProjectDialog workspace={workspace.slug} onClose={() => setMaking(false)} />}
    </div>
  );
}
