import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type ActionKey, explainPermission } from "@/api/generated/stoa";
import type { Member } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useAllInstances, useAllProjects, useAllServers } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Dialog, Note } from "@/kit";
import { ACTIONS } from "@/kit/actions";

/** Why a member can or can't do something: the server's own answer. */
export function ExplainDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const workspace = useWorkspace();
  const mayList = workspace.permissions.actions.includes("view_projects");
  const [action, setAction] = useState<ActionKey | null>(null);
  const [resource, setResource] = useState<string | null>(null);
  const instances = useAllInstances(workspace.slug);
  const projects = useAllProjects(workspace.slug, mayList);
  const servers = useAllServers(workspace.slug);
  const [kind, id] = resource?.split(" ") ?? [];
  const query = { ...(action && { action }), ...(kind && { [kind]: id }) };
  const asked = useQuery({
    queryKey: [workspace.slug, "permissions", "explain", member.id, query],
    queryFn: ({ signal }) => explainPermission(workspace.slug, member.id, query, { signal }),
    enabled: Boolean(action || resource),
  });
  const group = (word: string, key: string, items: { id: string; name: string }[] | undefined) => ({
    group: word,
    items: (items ?? []).map((one) => ({ value: `${key} ${one.id}`, label: one.name })),
  });
  return (
    <Dialog
      opened
      onClose={onClose}
      title={`What may ${member.account.name} do, and why?`}
      sentence="Choose an action, and what it would be done to."
      size={560}
      foot={<Button onClick={onClose}>Close</Button>}
    >
      <div style={{ display: "grid", gap: 16, minHeight: 190, alignContent: "start" }}>
        <Select
          label="Action"
          placeholder="Only to see it"
          data={ACTIONS.map(({ key, label }) => ({ value: key, label }))}
          value={action}
          onChange={setAction}
          clearable
        />
        <Select
          label="Project, instance or server"
          placeholder="None"
          data={[
            group("Instances", "instance", instances.data),
            group("Projects", "project", projects.data),
            group("Servers", "server", servers.data),
          ].filter(({ items }) => items.length > 0)}
          value={resource}
          onChange={setResource}
          searchable
          clearable
          limit={200}
        />
        <div aria-live="polite">
          {asked.error ? (
            <Note tone="bad">{problemOf(asked.error).detail}</Note>
          ) : (
            asked.data && (
              <Note tone={asked.data.allowed ? "good" : "bad"}>
                <strong>{asked.data.allowed ? "Allowed." : "Not allowed."}</strong> {asked.data.detail}
              </Note>
            )
          )}
        </div>
      </div>
    </Dialog>
  );
}
