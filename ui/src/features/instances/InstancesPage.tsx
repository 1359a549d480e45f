import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconBox, IconExternalLink, IconPlus, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useInstances } from "@/api/queries";
import type { Instance, Stage } from "@/api/types";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  Empty,
  Failed,
  Go,
  LoadingRows,
  More,
  PageTitle,
  Panel,
  ShortCommit,
  StageTag,
  StatusBadge,
  Table,
} from "@/kit";
import css from "./instances.module.css";
import { NewInstanceDialog } from "./NewInstance";

const STAGES = [
  { value: "all", label: "All stages" },
  { value: "production", label: "Production" },
  { value: "staging", label: "Staging" },
  { value: "development", label: "Development" },
];

export function InstancesPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const [search, setSearch] = useState("");
  const [stage, setStage] = useState<Stage | "all">("all");
  const [q] = useDebouncedValue(search, 150);
  const [isMaking, setMaking] = useState(false);
  const instances = useInstances(workspace.slug, { q, ...(stage !== "all" && { stage }) });
  const isFiltered = q !== "" || stage !== "all";

  return (
    <div>
      <PageTitle
        title="Instances"
        sentence={`What runs in ${workspace.name}, as far as you may see it.`}
        actions={
          isOwner && (
            <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
              New instance
            </Button>
          )
        }
      />
      <div className={css.tools}>
        <TextInput
          placeholder="Find an instance"
          aria-label="Find an instance"
          leftSection={<IconSearch size={15} stroke={1.75} />}
          w={{ base: "100%", xs: 260 }}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Select
          aria-label="Stage"
          w={150}
          data={STAGES}
          value={stage}
          onChange={(value) => setStage((value as Stage | "all" | null) ?? "all")}
        />
      </div>
      {instances.error ? (
        <Failed error={instances.error} retry={() => void instances.refetch()} inline />
      ) : !instances.items ? (
        <LoadingRows height={52} />
      ) : instances.items.length === 0 ? (
        <Panel>
          <Empty
            icon={IconBox}
            title={isFiltered ? "No instance fits" : "No instances"}
            inline
            action={
              !isFiltered &&
              isOwner && (
                <Button variant="filled" onClick={() => setMaking(true)}>
                  New instance
                </Button>
              )
            }
          >
            {isFiltered
              ? "Search for another name, or show all stages."
              : isOwner
                ? "An instance is a running copy of a project's branch on one of your servers."
                : "No instance is allowed to you yet. Ask an owner of the workspace."}
          </Empty>
        </Panel>
      ) : (
        <Panel>
          <Table label="Instances" head={["Instance", "Status", "Stage", "Branch", "Server", "Address"]}>
            {instances.items.map((instance) => (
              <InstanceRow key={instance.id} instance={instance} workspace={workspace.slug} />
            ))}
          </Table>
          <More {...instances} />
        </Panel>
      )}
      {isMaking && <NewInstanceDialog onClose={() => setMaking(false)} />}
    </div>
  );
}

function InstanceRow({ instance, workspace }: { instance: Instance; workspace: string }) {
  return (
    <tr>
      <td>
        <Go className={css.name ?? ""} to={`/${workspace}/instances/${instance.slug}`}>
          {instance.name}
        </Go>
        <div className={css.second}>{instance.project.name}</div>
      </td>
      <td data-label="Status">
        <StatusBadge status={instance.status} />
      </td>
      <td data-label="Stage">
        <StageTag stage={instance.stage} />
      </td>
      <td data-label="Branch">
        {instance.branch} {instance.commit && <ShortCommit commit={instance.commit} />}
      </td>
      <td data-label="Server">{instance.server?.name ?? "–"}</td>
      <td data-label="Address">
        {instance.url && (
          <a href={instance.url} target="_blank" rel="noreferrer" aria-label={`Open ${instance.name}`}>
            <IconExternalLink size={16} stroke={1.75} aria-hidden />
          </a>
        )}
      </td>
    </tr>
  );
}
