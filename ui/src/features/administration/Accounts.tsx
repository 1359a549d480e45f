import { Button } from "@mantine/core";
import { IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import type { AdministeredAccount } from "@/api/generated";
import { useMe } from "@/api/queries";
import { Unusual } from "@/features/members/Unusual";
import {
  Chip,
  ConfirmDialog,
  Empty,
  Failed,
  LoadingRows,
  More,
  Note,
  Panel,
  PersonAvatar,
  SearchField,
  StatusBadge,
  Table,
  Time,
} from "@/kit";
import css from "./administration.module.css";
import { useAccounts, useStatusChange } from "./queries";

export function Accounts() {
  const [search, setSearch] = useState("");
  const found = useAccounts(search.trim());
  const [changing, setChanging] = useState<AdministeredAccount | null>(null);
  const change = useStatusChange(() => setChanging(null));
  if (found.error) return <Failed error={found.error} retry={() => void found.refetch()} inline />;
  const ask = (account: AdministeredAccount) => {
    change.reset();
    setChanging(account);
  };
  return (
    <>
      <div className={css.tools}>
        <SearchField
          className={css.search ?? ""}
          placeholder="Name or e-mail address"
          aria-label="Find an account"
          value={search}
          onChange={setSearch}
        />
      </div>
      {!found.items ? (
        <LoadingRows height={52} />
      ) : found.items.length === 0 ? (
        <Panel>
          <Empty icon={IconUsers} title="No account fits" inline>
            Search for another name or address.
          </Empty>
        </Panel>
      ) : (
        <Panel>
          <Table label="Accounts" head={["Account", "Status", "Workspaces", "Last seen", ""]}>
            {found.items.map((account) => (
              <tr key={account.id}>
                <td>
                  <div className={css.person}>
                    <PersonAvatar name={account.name} size={30} />
                    <div style={{ minWidth: 0 }}>
                      <div className={css.name}>
                        {account.name} {account.is_admin && <Chip>Administrator</Chip>}
                      </div>
                      <div className={css.quiet}>
                        {account.email}
                        {!account.email_verified && " (unverified)"} <Unusual email={account.email} />
                      </div>
                    </div>
                  </div>
                </td>
                <td data-label="Status">
                  <span>
                    {account.status === "active" ? (
                      <StatusBadge status="running" word="Active" />
                    ) : (
                      <StatusBadge status="stopped" word="Disabled" />
                    )}
                  </span>
                </td>
                <td data-label="Workspaces" className="numbers">
                  {account.workspaces}
                </td>
                <td data-label="Last seen" className={css.quiet}>
                  {account.last_seen_at ? <Time at={account.last_seen_at} /> : "Never"}
                </td>
                <td>
                  <Button
                    variant="subtle"
                    data-size="xs"
                    onClick={() => ask(account)}
                    aria-label={`${account.status === "active" ? "Disable" : "Enable"} ${account.name}`}
                  >
                    {account.status === "active" ? "Disable" : "Enable"}
                  </Button>
                </td>
              </tr>
            ))}
          </Table>
          <More {...found} />
        </Panel>
      )}
      {changing && (
        <Change
          account={changing}
          busy={change.isPending}
          problem={change.error}
          onClose={() => setChanging(null)}
          onConfirm={() => change.mutate(changing)}
        />
      )}
    </>
  );
}

type ChangeProps = {
  account: AdministeredAccount;
  busy: boolean;
  problem: Parameters<typeof ConfirmDialog>[0]["problem"];
  onClose: () => void;
  onConfirm: () => void;
};

function Change({ account, busy, problem, onClose, onConfirm }: ChangeProps) {
  const isMe = useMe().data?.id === account.id;
  const shared = { opened: true, onClose, busy, problem: problem ?? null, onConfirm };
  if (account.status === "disabled")
    return (
      <ConfirmDialog {...shared} title={`Enable ${account.name}?`} action="Enable the account" danger={false}>
        They can sign in again with their password, and are in their workspaces as before. Sessions and access tokens
        that were ended stay ended.
      </ConfirmDialog>
    );
  const alone = account.last_owner_of;
  return (
    <ConfirmDialog
      {...shared}
      title={isMe ? "Disable your own account?" : `Disable ${account.name}?`}
      action="Disable the account"
      {...(alone.length > 0 && { typed: account.email })}
    >
      <div style={{ display: "grid", gap: 12 }}>
        <div>
          {isMe
            ? "You are signed out at once, and what you have open ends within a second. Your access tokens are deleted. Only another administrator can enable the account again: without one it can't be disabled."
            : "They are signed out at once, and what they have open ends within a second. Their access tokens are deleted."}{" "}
          It stands in the audit log of the installation and of {isMe ? "your" : "their"} workspaces.
        </div>
        {alone.length > 0 && (
          <Note tone="warn">
            {isMe ? "You" : "They"} are the last active owner of{" "}
            {alone.map(({ slug, name }, at) => (
              <span key={slug}>
                {at > 0 && ", "}
                <strong>{name}</strong>
              </span>
            ))}
            . Nobody can grant anything there until you name another owner.
          </Note>
        )}
      </div>
    </ConfirmDialog>
  );
}
