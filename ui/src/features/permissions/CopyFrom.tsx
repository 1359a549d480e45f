import { Button, Popover } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconChevronDown, IconCopy } from "@tabler/icons-react";
import { type KeyboardEvent, useId, useState } from "react";
import { viewPermissions } from "@/api/generated";
import { useMembers } from "@/api/memberQueries";
import type { Member, Permissions, Summary } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useWorkspace } from "@/frame/useWorkspace";
import { Note, PersonAvatar, usePhone } from "@/kit";
import choice from "@/kit/choice.module.css";
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
  const [marked, setMarked] = useState(0);
  const list = useId();
  const change = (open: boolean) => {
    setOpen(open);
    setSearch("");
    setMarked(0);
  };
  const [problem, setProblem] = useState<string | null>(null);
  const members = useMembers(slug, { q, role: "member", brief: true }, isOpen);
  // There is something to copy from whoever has something.
  const shown = (members.items ?? []).filter(({ id, summary }) => !but.includes(id) && summary && hasAny(summary));
  const choose = async ({ id, summary }: Member) => {
    setProblem(null);
    change(false);
    try {
      const permissions = await viewPermissions(slug, id);
      const preset = summary?.preset;
      const near = preset && { name: preset.name, actions: permissions.actions, isChanged: preset.changed };
      onChoose(permissions, near ?? null);
    } catch (failure) {
      setProblem(problemOf(failure).detail);
    }
  };
  const at = Math.min(marked, Math.max(0, shown.length - 1));
  const onKey = (event: KeyboardEvent) => {
    const last = shown.length - 1;
    const to = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at === 0 ? last : at - 1 }[event.key];
    if (to !== undefined && last >= 0) {
      event.preventDefault();
      setMarked(to);
      document.getElementById(`${list}-${to}`)?.scrollIntoView({ block: "nearest" });
    }
    if (event.key !== "Enter") return;
    // It isn't the form's.
    event.preventDefault();
    if (shown[at]) void choose(shown[at]);
  };
  return (
    <>
      <Popover position="bottom-start" width={300} opened={isOpen} onChange={change} trapFocus returnFocus>
        <Popover.Target>
          <Button
            className={css.tool ?? ""}
            leftSection={<IconCopy size={16} stroke={1.75} aria-hidden />}
            rightSection={<IconChevronDown size={14} stroke={1.75} aria-hidden />}
            onClick={() => change(!isOpen)}
          >
            {phone ? "Copy from…" : "Copy from a member"}
          </Button>
        </Popover.Target>
        <Popover.Dropdown p={4} aria-label="Copy from a member">
          <input
            data-autofocus
            className={choice.search}
            role="combobox"
            aria-label="Find a member to copy from"
            aria-expanded={shown.length > 0}
            aria-controls={shown.length > 0 ? list : undefined}
            aria-activedescendant={shown.length > 0 ? `${list}-${at}` : undefined}
            placeholder="Find a member"
            value={search}
            onChange={(event) => {
              setSearch(event.currentTarget.value);
              setMarked(0);
            }}
            onKeyDown={onKey}
          />
          <div
            id={list}
            role="listbox"
            aria-label="Members who have something"
            className={choice.list}
            hidden={shown.length === 0}
          >
            {shown.map((member, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and takes the keys
              <div
                key={member.id}
                id={`${list}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === at}
                className={choice.item}
                onClick={() => void choose(member)}
                onMouseMove={() => setMarked(index)}
              >
                <PersonAvatar name={member.account.name} size={22} />
                <span>
                  {member.account.name}
                  {member.summary?.preset && (
                    <span className={css.few}>
                      {" "}
                      {member.summary.preset.name}
                      {member.summary.preset.changed && ", changed"}
                    </span>
                  )}
                </span>
              </div>
            ))}
          </div>
          {members.isLoadingError && <NotLoaded error={members.error} again={() => void members.refetch()} />}
          <div role="status" className={choice.none}>
            {members.isLoading && "Loading the members"}
            {members.hasNextPage && "Search for the others by name"}
            {members.items &&
              shown.length === 0 &&
              (q ? "None of this name has anything" : "Nobody else has anything yet")}
          </div>
        </Popover.Dropdown>
      </Popover>
      {problem && <Note tone="bad">{problem}</Note>}
    </>
  );
}
