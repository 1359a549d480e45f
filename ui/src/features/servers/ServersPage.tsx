import { Button } from "@mantine/core";
import { IconPlus, IconServer2 } from "@tabler/icons-react";
import { useState } from "react";
import type { Server } from "@/api/nouns";
import { useServers } from "@/api/queries";
import { LoadLine } from "@/features/metrics/later";
import { useWorkspace } from "@/frame/useWorkspace";
import { EmptyPage, Failed, Go, LoadingRows, More, PageTitle, Panel, StatusBadge, Table, Time } from "@/kit";
import { bytes } from "./bytes";
import { loadOf, Share, serverState } from "./Load";
import { AddServerDialog } from "./later";
import css from "./servers.module.css";

export function ServersPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const [isAdding, setAdding] = useState(false);
  const servers = useServers(workspace.slug);
  const add = (
    <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Add server
    </Button>
  );
  return (
    <div>
      <PageTitle
        title="Servers"
        sentence="Machines that run instances through the Stoa agent."
        actions={isOwner && (servers.items?.length ?? 0) > 0 && add}
      />
      {servers.error ? (
        <Failed error={servers.error} retry={() => void servers.refetch()} inline />
      ) : !servers.items ? (
        <LoadingRows />
      ) : servers.items.length === 0 ? (
        <EmptyPage title="No servers" action={isOwner && add}>
          {isOwner
            ? "Add the machine that Stoa stands on, or another by one command. Instances run there, each in a sandbox of its own."
            : "No server is allowed to you. Ask an owner of the workspace."}
        </EmptyPage>
      ) : (
        <Panel>
          <Table
            label="Servers"
            head={["Server", "State", "Processor, last day", "Memory", "Disk", "Instances", "Version"]}
            figures={["Instances"]}
          >
            {servers.items.map((server) => (
              <ServerRow key={server.id} server={server} workspace={workspace.slug} />
            ))}
          </Table>
          <More {...servers} />
        </Panel>
      )}
      {isAdding && <AddServerDialog workspace={workspace.slug} onClose={() => setAdding(false)} />}
    </div>
  );
}

function ServerRow({ server, workspace }: { server: Server; workspace: string }) {
  const { machine } = server;
  const [processor, ...fullness] = machine ? loadOf(machine) : [];
  return (
    <tr>
      <td>
        <div className={css.server}>
          <span className={css.tile}>
            <IconServer2 size={18} stroke={1.75} aria-hidden />
          </span>
          <div>
            <Go className={css.name ?? ""} to={`/${workspace}/servers/${server.slug}`}>
              {server.name}
            </Go>
            <div className={css.quiet}>
              {server.is_local ? "This machine" : "Another machine"}
              {server.away_since && (
                <>
                  , last there <Time at={server.away_since} just />
                </>
              )}
              {machine && `, ${machine.processors} cores, ${bytes(machine.memory)}`}
            </div>
          </div>
        </div>
      </td>
      <td data-label="State">
        <span>
          <StatusBadge {...serverState(server)} />
        </span>
      </td>
      <td data-label="Processor">
        <div className={css.busy}>
          <LoadLine workspace={workspace} server={server.id} />
          {processor ? (
            <span className={`${css.percent} numbers`}>{Math.round(processor.share)} %</span>
          ) : (
            <span className={css.quiet}>Not known</span>
          )}
        </div>
      </td>
      {["Memory", "Disk"].map((name, at) => (
        <td key={name} data-label={name}>
          {fullness[at] ? <Share {...fullness[at]} /> : <span className={css.quiet}>Not known</span>}
        </td>
      ))}
      <td data-label="Instances" data-figures className="numbers">
        {server.instances}
      </td>
      <td data-label="Version">{machine && <code>{machine.version}</code>}</td>
    </tr>
  );
}
