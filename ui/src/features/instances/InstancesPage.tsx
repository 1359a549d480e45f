import { Button, Select } from "@mantine/core";
import { IconBox, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { ListInstancesParams } from "@/api/generated";
import { useAllProjects, useAllServers, useInstances } from "@/api/queries";
import { listsProjects } from "@/frame/sections";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, EmptyPage, Failed, LoadingRows, More, PageTitle, Panel, SearchField, useFilters } from "@/kit";
import { InstanceTable } from "./InstanceTable";
import css from "./instances.module.css";
import { DeletedBackups, NewInstanceDialog } from "./later";

const STAGES = [
  { value: "production", label: "Production" },
  { value: "staging", label: "Staging" },
  { value: "development", label: "Development" },
];

const STATUSES = [
  { value: "running", label: "Running" },
  { value: "deploying", label: "Deploying" },
  { value: "failed", label: "Failed" },
  { value: "stopped", label: "Stopped" },
];

const FILTERS = ["q", "stage", "status", "project", "server"] as const;
type Filter = (typeof FILTERS)[number];

export function InstancesPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const { filters, change, clear } = useFilters(FILTERS);
  const [isMaking, setMaking] = useState(false);
  const projects = useAllProjects(workspace.slug, listsProjects(workspace));
  const servers = useAllServers(workspace.slug);
  const instances = useInstances(workspace.slug, filters as ListInstancesParams);
  const isFiltered = FILTERS.some((name) => filters[name] !== "");
  const choices = (found: { id: string; name: string }[] | undefined) =>
    (found ?? []).map(({ id, name }) => ({ value: id, label: name }));
  const chooser = (name: Filter, label: string, data: { value: string; label: string }[]) =>
    data.length > 0 && (
      <Select
        aria-label={label}
        placeholder={label}
        className={css.filter ?? ""}
        data-tool
        data={data}
        clearable
        value={filters[name] || null}
        onChange={(value) => change({ [name]: value ?? "" })}
      />
    );

  const make = (
    <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
      New instance
    </Button>
  );

  return (
    <div>
      <PageTitle
        title="Instances"
        sentence={`What runs in ${workspace.name}, as far as you may see it.`}
        actions={isOwner && (isFiltered || Boolean(instances.items?.length)) && make}
      />
      {/* Where there is nothing, there is nothing to find. */}
      <div className={css.tools} hidden={!isFiltered && instances.items?.length === 0}>
        <SearchField
          placeholder="Find an instance"
          aria-label="Find an instance"
          w={{ base: "100%", xs: 260 }}
          value={filters.q}
          onChange={(q) => change({ q })}
        />
        {chooser("stage", "Stage", STAGES)}
        {chooser("status", "Status", STATUSES)}
        {chooser("project", "Project", choices(projects.data))}
        {chooser("server", "Server", choices(servers.data))}
        {isFiltered && (
          <Button variant="subtle" onClick={() => clear()}>
            Show all
          </Button>
        )}
      </div>
      {instances.error ? (
        <Failed error={instances.error} retry={() => void instances.refetch()} inline />
      ) : !instances.items ? (
        <LoadingRows height={52} />
      ) : instances.items.length === 0 ? (
        isFiltered ? (
          <Panel>
            <Empty icon={IconBox} title="No instance fits" inline>
              Search for another name, or show all.
            </Empty>
          </Panel>
        ) : (
          <EmptyPage title="No instances" action={isOwner && make}>
            {isOwner
              ? "An instance is a running copy of a project's branch on one of your servers."
              : "No instance is allowed to you yet. Ask an owner of the workspace."}
          </EmptyPage>
        )
      ) : (
        <Panel>
          <InstanceTable instances={instances.items} workspace={workspace.slug} />
          <More {...instances} />
        </Panel>
      )}
      {isOwner && <DeletedBackups workspace={workspace.slug} />}
      {isMaking && <NewInstanceDialog onClose={() => setMaking(false)} />}
    </div>
  );
}
