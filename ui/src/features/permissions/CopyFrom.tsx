import { Button, Menu, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconChevronDown, IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import { viewPermissions } from "@/api/generated";
import { useMembers } from "@/api/memberQueries";
import type { Member, Permissions, Summary } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useWorkspace } from "@/frame/useWorkspace";
import { Note, PersonAvatar, usePhone } from "@/kit";
import { NotLoaded } from "./NotLoaded";
import type { Near } from "./near";
import css from "./permissions.module.css";

type Props = { but: string[]; onChoose: (permissions: Permissions, near: Near | null) => void };

const hasAny = ({ actions, projects, instances, servers }: Summary) =>
  actions.length > 0 || Boolean(projects || instances || servers);

/** Fills the form with what another member has. Nothing is saved by it. */
export function CopyFrom({ but, onChoose }: Props) {
  const { slug } = useWorkspace();
  const phone = usePhone();
  const [isOpen, setOpen] = useState(false);
  const [search, setSearch] = useState("");
  const [q] = useDebouncedValue(search, 150);
  const [problem, setProblem] = useState<string | null>(null);
  const members = useMembers(slug, { q, role: "member", brief: true }, isOpen);
  // There is something to copy from whoever has something.
  const shown = (members.items ?? []).filter(({ id, summary }) => !but.includes(id) && summary && hasAny(summary));
  const choose = async ({ id, summary }: Member) => {
    setProblem(null);
    try {
      const permissions = await viewPermissions(slug, id);
      const preset = summary?.preset;
      const near = preset && { name: preset.name, actions: permissions.actions, isChanged: preset.changed };
      onChoose(permissions, near ?? null);
    } catch (failure) {
      setProblem(problemOf(failure).detail);
    }
  };
  return (
    <>
      <Menu
        position="bottom-start"
        width={300}
        opened={isOpen}
        onChange={setOpen}
        onClose={() => setSearch("")}
        trapFocus
      >
        <Menu.Target>
          <Button
            className={css.tool ?? ""}
            leftSection={<IconCopy size={16} stroke={1.75} aria-hidden />}
            rightSection={<IconChevronDown size={14} stroke={1.75} aria-hidden />}
          >
            {phone ? "Copy from…" : "Copy from a member"}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <TextInput
            m={4}
            placeholder="Find a member"
            aria-label="Find a member to copy from"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <div role="presentation" style={{ maxHeight: 320, overflowY: "auto" }}>
            {shown.map((member) => (
              <Menu.Item
                key={member.id}
                leftSection={<PersonAvatar name={member.account.name} size={22} />}
                onClick={() => void choose(member)}
              >
                {member.account.name}
                {member.summary?.preset && (
                  <span className={css.few}>
                    {" "}
                    {member.summary.preset.name}
                    {member.summary.preset.changed && ", changed"}
                  </span>
                )}
              </Menu.Item>
            ))}
            {members.isLoading && <Menu.Label>Loading the members</Menu.Label>}
            {members.isLoadingError && <NotLoaded error={members.error} again={() => void members.refetch()} />}
            {members.hasNextPage && <Menu.Label>Search for the others by name</Menu.Label>}
            {members.items && shown.length === 0 && (
              <Menu.Label>{q ? "None of this name has anything" : "Nobody else has anything yet"}</Menu.Label>
            )}
          </div>
        </Menu.Dropdown>
      </Menu>
      {problem && <Note tone="bad">{problem}</Note>}
    </>
  );
}
