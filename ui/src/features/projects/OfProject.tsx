import { Button } from "@mantine/core";
import { IconBox } from "@tabler/icons-react";
import type { Project } from "@/api/nouns";
import { useAllInstances } from "@/api/queries";
import { InstanceTable } from "@/features/instances";
import { Empty, Failed, LoadingRows, Panel } from "@/kit";

/** The project's instances, whatever branch they run. */
export function OfProject(props: { workspace: string; project: Project; onNew: (() => void) | null }) {
  const instances = useAllInstances(props.workspace, { project: props.project.id });
  if (instances.error) return <Failed error={instances.error} retry={() => void instances.refetch()} inline />;
  if (!instances.data) return <LoadingRows height={52} />;
  return (
    <Panel>
      {instances.data.length === 0 ? (
        <Empty
          icon={IconBox}
          title="No instance of this project"
          inline
          action={
            props.onNew && props.project.repository.has_commits && <Button onClick={props.onNew}>New instance</Button>
          }
        >
          {props.onNew
            ? "An instance is a running copy of one of its branches."
            : "None of its instances is allowed to you. Ask an owner of the workspace."}
        </Empty>
      ) : (
        <InstanceTable workspace={props.workspace} instances={instances.data} />
      )}
    </Panel>
  );
}
