import { Button, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAlertTriangle, IconLayoutGrid } from "@tabler/icons-react";
import { useState } from "react";
import type { AdministeredWorkspace } from "@/api/generated";
import {
  Chip,
  Dialog,
  Empty,
  Failed,
  LoadingRows,
  More,
  Note,
  Panel,
  Person,
  SearchField,
  Table,
  Time,
  WaitingButton,
} from "@/kit";
import css from "./administration.module.css";
import { useAccounts, useAllWorkspaces, useOwnerNaming } from "./queries";

export function Workspaces() {
  const [search, setSearch] = useState("");
  const found = useAllWorkspaces(search.trim());
  const [naming, setNaming] = useState<AdministeredWorkspace | null>(null);
  if (found.error) return <Failed error={found.error} retry={() => void found.refetch()} inline />;
  return (
    <>
      <div className={css.tools}>
        <SearchField
          className={css.search ?? ""}
          placeholder="Name, slug or owner"
          aria-label="Find a workspace"
          value={search}
          onChange={setSearch}
        />
        <p className={css.aside}>You see names, owners and sizes. What is in a workspace is its members' alone.</p>
      </div>
      {!found.items ? (
        <LoadingRows height={52} />
      ) : found.items.length === 0 ? (
        <Panel>
          <Empty icon={IconLayoutGrid} title={search ? "No workspace fits" : "No workspaces yet"} inline>
            {search ? "Search for another name, slug or owner." : "They are listed here once somebody creates one."}
          </Empty>
        </Panel>
      ) : (
        <Panel>
          <Table
            label="Workspaces"
            head={["Workspace", "Owners", "Members", "Projects", "Servers", "Instances", "Created", ""]}
            figures={["Members", "Projects", "Servers", "Instances"]}
          >
            {found.items.map((workspace) => (
              <tr key={workspace.id}>
                <td>
                  <div className={css.name}>{workspace.name}</div>
                  <code className={css.quiet}>/{workspace.slug}</code>
                </td>
                <td data-label="Owners">
                  <Owners workspace={workspace} />
                </td>
                <td data-label="Members" data-figures className="numbers">
                  {workspace.size.members}
                </td>
                <td data-label="Projects" data-figures className="numbers">
                  {workspace.size.projects}
                </td>
                <td data-label="Servers" data-figures className="numbers">
                  {workspace.size.servers}
                </td>
                <td data-label="Instances" data-figures className="numbers">
                  {workspace.size.instances}
                </td>
                <td data-label="Created" className={css.quiet}>
                  <Time at={workspace.created_at} />
                </td>
                <td>
                  {!workspace.has_active_owner && (
                    <Button data-size="xs" onClick={() => setNaming(workspace)}>
                      Name an owner
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
          <More {...found} />
        </Panel>
      )}
      {naming && <NameOwner workspace={naming} onClose={() => setNaming(null)} />}
    </>
  );
}

const SHOWN = 2;

function Owners({ workspace }: { workspace: AdministeredWorkspace }) {
  const active = workspace.owners.filter(({ status }) => status === "active");
  const rest = active.slice(SHOWN).map(({ name }) => name);
  return (
    <div className={css.people}>
      {!workspace.has_active_owner && (
        <Chip tone="warn">
          <IconAlertTriangle size={13} stroke={1.75} aria-hidden />
          No active owner
        </Chip>
      )}
      {active.slice(0, SHOWN).map(({ id, name, email }) => (
        <span key={id} title={email}>
          <Person name={name} size={20} />
        </span>
      ))}
      {rest.length > 0 && (
        <span className={css.quiet} title={rest.join(", ")}>
          and {rest.length} more
        </span>
      )}
    </div>
  );
}

function NameOwner({ workspace, onClose }: { workspace: AdministeredWorkspace; onClose: () => void }) {
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search.trim(), 150);
  const [account, setAccount] = useState<string | null>(null);
  const found = useAccounts(q);
  const name = useOwnerNaming(workspace.id, onClose);
  const offered = (found.items ?? []).filter(({ status }) => status === "active");
  return (
    <Dialog
      opened
      onClose={onClose}
      title={`Name an owner for ${workspace.name}`}
      sentence="None of its owners is active, so nobody can grant anything there. Whoever you name sees and does everything in it. It stands in both audit logs."
      onSubmit={() => account && name.mutate(account)}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            why={account ? undefined : "Choose an account first"}
            loading={name.isPending}
          >
            Make the owner
          </WaitingButton>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <Select
          label="Account"
          placeholder="Name or e-mail address"
          searchable
          data={offered.map(({ id, name, email }) => ({ value: id, label: `${name}, ${email}` }))}
          // The server has searched already, over all of them.
          filter={({ options }) => options}
          searchValue={search}
          onSearchChange={setSearch}
          value={account}
          onChange={setAccount}
          nothingFoundMessage="No active account fits"
          data-autofocus
        />
        {name.error && <Note tone="bad">{name.error.detail}</Note>}
      </div>
    </Dialog>
  );
}
