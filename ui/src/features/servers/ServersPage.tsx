import { Button } from "@mantine/core";
import { IconPlus, IconServer2 } from "@tabler/icons-react";
import { useState } from "react";
import { useServers } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, Failed, Go, LoadingRows, More, PageTitle, Panel, StatusBadge } from "@/kit";
import { AddServerDialog } from "./AddServer";
import { Load } from "./Load";
import css from "./servers.module.css";

export function ServersPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const [isAdding, setAdding] = useState(false);
  const servers = useServers(workspace.slug);
  const add = (
    <Button variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
      Add this machine
    </Button>
  );
  return (
    <div>
      <PageTitle
        title="Servers"
        sentence="The machines that instances run on."
        actions={isOwner && (servers.items?.length ?? 0) > 0 && !servers.items?.some(({ is_local }) => is_local) && add}
      />
      {servers.error ? (
        <Failed error={servers.error} retry={() => void servers.refetch()} inline />
      ) : !servers.items ? (
        <LoadingRows />
      ) : servers.items.length === 0 ? (
        <Panel>
          <Empty icon={IconServer2} title="No servers" inline action={isOwner && add}>
            {isOwner
              ? "Add the machine that Stoa stands on. Instances run there, each in a sandbox of its own."
              : "No server is allowed to you. Ask an owner of the workspace."}
          </Empty>
        </Panel>
      ) : (
        <>
          <div className={css.cards}>
            {servers.items.map((server) => (
              <Go key={server.id} className={css.card ?? ""} to={`/${workspace.slug}/servers/${server.slug}`}>
                <div className={css.head}>
                  <h2>{server.name}</h2>
                  <StatusBadge status={server.machine?.no_sandbox ? "attention" : server.status} />
                </div>
                {server.machine && <Load machine={server.machine} />}
                <span className={css.quiet}>
                  {server.instances === 1 ? "1 instance" : `${server.instances} instances`}
                </span>
              </Go>
            ))}
          </div>
          <More {...servers} />
        </>
      )}
      {isAdding && <AddServerDialog workspace={workspace.slug} onClose={() => setAdding(false)} />}
    </div>
  );
}
