import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { deleteServer, forgetServer } from "@/api/generated";
import { letGo } from "@/api/gone";
import { useAct, useAllInstances, useServer } from "@/api/queries";
import { InstancesByLoad, ServerMetrics } from "@/features/metrics/later";
import { WhoButton } from "@/features/permissions/WhoButton";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  AbleButton,
  ConfirmDialog,
  duration,
  Empty,
  Failed,
  LoadingPage,
  Note,
  PageTitle,
  Panel,
  Section,
  StatusBadge,
  Time,
} from "@/kit";
import { serverState } from "./Load";
import { JoinCommand, RenameServer } from "./later";
import css from "./servers.module.css";

export function ServerPage() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const { server: slug = "" } = useParams({ strict: false });
  const server = useServer(workspace.slug, slug);
  const instances = useAllInstances(workspace.slug, { server: server.data?.id }, Boolean(server.data));
  const [isRemoving, setRemoving] = useState(false);
  const [isForgetting, setForgetting] = useState(false);
  const [isRenaming, setRenaming] = useState(false);
  const onDone = () => {
    if (server.data) letGo(workspace.slug, "server", server.data.id);
    return navigate({ to: `/${workspace.slug}/servers` });
  };
  const remove = useAct<void>(workspace.slug, {
    act: () => deleteServer(workspace.slug, slug),
    nouns: ["servers"],
    onDone,
  });
  const forget = useAct<void>(workspace.slug, {
    act: () => forgetServer(workspace.slug, slug, { confirm: server.data?.name ?? "" }),
    nouns: ["servers", "instances"],
    onDone,
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
            : here.status === "waiting"
              ? "No machine has joined as this server yet."
              : "Its machine doesn't answer at the moment. What runs there goes on; it comes back by itself."
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
      {(machine?.no_sandbox || machine?.no_outgoing) && (
        <div style={{ display: "grid", gap: 12, marginBottom: 8 }}>
          {machine.no_sandbox && <Note tone="bad">{machine.no_sandbox}</Note>}
          {machine.no_outgoing && <Note tone="warn">{machine.no_outgoing}</Note>}
        </div>
      )}
      {here.away_since && (
        <Note tone="warn">
          Last there <Time at={here.away_since} just />. Its agent dials again by itself; where it doesn't come back,
          look whether <code>stoa agent</code> runs there.
          {here.may.includes("manage") && (
            <div className={css.lost}>
              <AbleButton of={here} verb="manage" size="xs" variant="default" onClick={() => setForgetting(true)}>
                It never comes back…
              </AbleButton>
            </div>
          )}
        </Note>
      )}
      {here.status === "waiting" && here.may.includes("manage") && (
        <Section title="Connect its machine">
          <Panel>
            <div className={css.padded}>
              <JoinCommand workspace={workspace.slug} server={here} />
            </div>
          </Panel>
        </Section>
      )}
      {here.status === "ready" && <ServerMetrics workspace={workspace.slug} server={here.id} />}
      <Section
        title="Instances"
        count={instances.data?.length}
        aside={instances.data?.length ? <span className={css.quiet}>by processor</span> : undefined}
      >
        <Panel>
          {instances.data?.length ? (
            <InstancesByLoad
              workspace={workspace.slug}
              instances={instances.data}
              processors={machine?.processors ?? 1}
            />
          ) : (
            <Empty title="Nothing runs here" inline>
              Of what you may see.
            </Empty>
          )}
        </Panel>
      </Section>
      {isRenaming && <RenameServer workspace={workspace.slug} server={here} onClose={() => setRenaming(false)} />}
      <ConfirmDialog
        opened={isForgetting}
        onClose={() => setForgetting(false)}
        title={`Remove ${here.name} with its instances?`}
        action="Remove for good"
        typed={here.name}
        busy={forget.isPending}
        problem={forget.error}
        onConfirm={() => forget.mutate()}
      >
        For a machine that is lost. Stoa forgets the server and its{" "}
        {here.instances === 1 ? "instance" : `${here.instances} instances`}. Backups on the machine's own disk are lost
        with it; those in S3 storage stay for 30 days. Should the machine come back after all, it is refused, and what
        runs there goes on until somebody there stops it.
      </ConfirmDialog>
      <ConfirmDialog
        opened={isRemoving}
        onClose={() => setRemoving(false)}
        title={`Remove ${here.name}?`}
        action="Remove"
        busy={remove.isPending}
        problem={remove.error}
        onConfirm={() => remove.mutate()}
      >
        {here.is_local
          ? "It stops being a server of this workspace. It can be added again."
          : "Its machine is refused from then on, for ever; what lies there stays until somebody there removes it. Backups of deleted instances on its disk go with it: they can't be restored or downloaded any more. Those in S3 storage stay."}
      </ConfirmDialog>
    </div>
  );
}
