import { Button, Menu, TextInput } from "@mantine/core";
import { IconChevronDown, IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import type { Member, Permissions } from "@/api/nouns";
import { useAllMembers } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { PersonAvatar } from "@/kit";
import css from "./permissions.module.css";

const FEW = 8;

/** Fills the form with what another member has. Nothing is saved by it. */
export function CopyFrom({ member, onChoose }: { member: Member; onChoose: (permissions: Permissions) => void }) {
  const { slug } = useWorkspace();
  const members = useAllMembers(slug);
  const [search, setSearch] = useState("");
  const others = (members.data ?? []).filter((one) => one.role === "member" && one.id !== member.id && one.permissions);
  const wanted = search.trim().toLocaleLowerCase();
  const shown = others.filter(({ account }) =>
    `${account.name} ${account.email ?? ""}`.toLocaleLowerCase().includes(wanted),
  );
  if (others.length === 0) return null;
  return (
    <div className={css.copy}>
      <Menu position="bottom-start" width={280} onClose={() => setSearch("")}>
        <Menu.Target>
          <Button
            leftSection={<IconCopy size={16} stroke={1.75} aria-hidden />}
            rightSection={<IconChevronDown size={14} stroke={1.75} aria-hidden />}
          >
            Copy from a member
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {others.length > FEW && (
            <TextInput
              m={4}
              placeholder="Find a member"
              aria-label="Find a member to copy from"
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
          )}
          <div role="presentation" style={{ maxHeight: 320, overflowY: "auto" }}>
            {shown.map(({ id, account, permissions }) => (
              <Menu.Item
                key={id}
                leftSection={<PersonAvatar name={account.name} size={22} />}
                onClick={() => permissions && onChoose(permissions)}
              >
                {account.name}
              </Menu.Item>
            ))}
            {shown.length === 0 && <Menu.Label>None of this name</Menu.Label>}
          </div>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
