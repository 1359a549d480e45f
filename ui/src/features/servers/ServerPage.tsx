import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { deleteServer } from "@/api/generated";
import { useAct, useAllInstances, useServer } from "@/api/queries";
import { ServerMetrics } from "@/features/metrics/later";
import { WhoButton } from "@/features/permissions/WhoButton";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  AbleButton,
  ConfirmDialog,
  duration,
  Empty,
  Failed,
  Go,
  LoadingPage,
  Note,
  PageTitle,
  Panel,
  Section,
  StageTag,
  StatusBadge,
  Table,
  Time,
} from "@/kit";
import { serverState } from "./Load";
import { RenameServer } from "./later";

export function ServerPage() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { server: slug = "" } = useParams({ strict: false });
  const server = useServer(workspace.slug, slug);
  const instances = useAllInstances(workspace.slug, { server: server.data?.id }, Boolean(server.data));
  const [isRemoving, setRemoving] = useState(false);
  const [isRenaming, setRenaming] = useState(false);
  const remove = useAct<void>(workspace.slug, {
    act: () => deleteServer(workspace.slug, slug),
    nouns: ["servers"],
    onDone: () => void navigate({ to: `/${workspace.slug}/servers` }),
  });
  if (server.error) return <Failed error={server.error} home={workspace.slug} />;
  if (!server.data) return <LoadingPage />;
  const here = server.data;
  const machine = here.machine;
  return (
    <div>
      <PageTitle
        title={here.name}
        beside={<StatusBadge {...serverState(here)} />}
        sentence={
          machine
            ? `${here.is_local ? "The machine that Stoa stands on" : "Another machine"}. Up for ${duration(machine.uptime_seconds * 1000)}, version ${machine.version}, limits by ${machine.limits_by}.`
            : "It doesn't answer at the moment."
        }
        actions={
          <>
            <WhoButton about={{ kind: "server", id: here.id, name: here.name }} />
            <AbleButton of={here} verb="manage" onClick={() => setRenaming(true)}>
              Rename
            </AbleButton>
            <AbleButton of={here} verb="delete" onClick={() => setRemoving(true)}>
              Remove
            </AbleButton>
          </>
        }
      />
      <div style={{ display: "grid", gap: 12, marginBottom: 8 }}>
        {machine?.no_sandbox && <Note tone="bad">{machine.no_sandbox}</Note>}
        {machine?.no_outgoing && <Note tone="warn">{machine.no_outgoing}</Note>}
      </div>
      <ServerMetrics workspace={workspace.slug} server={here.id} />
      <Section title="Instances" count={instances.data?.length}>
        <Panel>
          {instances.data?.length ? (
            <Table label="Instances" head={["Instance", "Status", "Stage", "Since"]}>
              {instances.data.map((instance) => (
                <tr key={instance.id}>
                  <td>
                    <Go to={`/${workspace.slug}/instances/${instance.slug}`} style={{ fontWeight: 600 }}>
                      {instance.name}
                    </Go>
                  </td>
                  <td data-label="Status">
                    <span>
                      <StatusBadge status={instance.status} />
                    </span>
                  </td>
                  <td data-label="Stage">
                    <span>
                      <StageTag stage={instance.stage} />
                    </span>
                  </td>
                  <td data-label="Since">
                    <Time at={instance.created_at} />
                  </td>
                </tr>
              ))}
            </Table>
          ) : (
            <Empty title="Nothing runs here" inline>
              Of what you may see.
            </Empty>
          )}
        </Panel>
      </Section>
      {isRenaming && <RenameServer workspace={workspace.slug} server={here} onClose={() => setRenaming(false)} />}
      <ConfirmDialog
        opened={isRemoving}
        onClose={() => setRemoving(false)}
        title={`Remove ${here.name}?`}
        action="Remove"
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        It stops being a server of this workspace. It can be added again.
      </ConfirmDialog>
    </div>
  );
}
