import { Button, Switch } from "@mantine/core";
import { useId, useState } from "react";
import { listMembers } from "@/api/generated";
import type { Instance, Member } from "@/api/nouns";
import { Problem, problemOf } from "@/api/problem";
import { useAct, useAll } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Dialog, Failed, LoadingRows, Note, PersonAvatar, SearchField, WaitingButton } from "@/kit";
import { grantInstance } from "./grant";
import css from "./share.module.css";

/** More members than this are searched. */
const FEW = 8;

type Props = {
  instance: Pick<Instance, "id" | "name">;
  /** It was made just now: nobody has it on their list yet. */
  isNew?: boolean;
  onClose: () => void;
};

/** Puts an instance on members' lists: on nobody's stands what is new. */
export function ShareDialog({ instance, isNew = false, onClose }: Props) {
  const { slug } = useWorkspace();
  const members = useAll<Member>(slug, "members", ["plain"], (page, init) =>
    listMembers(slug, { role: "member", ...page }, init),
  );
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const has = ({ permissions }: Member) => permissions?.instances?.includes(instance.id) ?? false;
  const add = useAct<Member[]>(slug, {
    act: async (wanted) => {
      for (const { id, account } of wanted)
        try {
          await grantInstance(slug, id, instance.id);
        } catch (failure) {
          const { status, code, title, detail } = problemOf(failure);
          throw new Problem({ status, code, title, detail: `${account.name} wasn't added. ${detail}` });
        }
    },
    nouns: ["members", "permissions"],
    onDone: onClose,
  });
  const wanted = (members.data ?? []).filter((member) => chosen.has(member.id) && !has(member));
  const sought = search.trim().toLocaleLowerCase();
  const shown = (members.data ?? []).filter(({ account }) =>
    `${account.name} ${account.email ?? ""}`.toLocaleLowerCase().includes(sought),
  );
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <Dialog
      opened
      onClose={onClose}
      title={`Who may see ${instance.name}?`}
      sentence={`${isNew ? "Only owners see it yet. " : ""}Whoever is added may do there what their permissions include.`}
      size={480}
      onSubmit={() => wanted.length > 0 && add.mutate(wanted)}
      foot={
        <>
          <Button onClick={onClose}>{isNew ? "Skip" : "Cancel"}</Button>
          <WaitingButton
            type="submit"
            variant="filled"
            why={wanted.length === 0 ? "Choose a member first" : undefined}
            loading={add.isPending}
          >
            {wanted.length > 1 ? `Add ${wanted.length} members` : "Add"}
          </WaitingButton>
        </>
      }
    >
      <div className={css.body}>
        {members.error ? (
          <Failed error={members.error} retry={() => void members.refetch()} inline />
        ) : !members.data ? (
          <LoadingRows rows={3} />
        ) : (
          <>
            {members.data.length > FEW && (
              <SearchField
                placeholder="Find a member"
                aria-label="Find a member"
                value={search}
                onChange={setSearch}
                data-autofocus
              />
            )}
            <ul className={css.people} aria-label="Members">
              {shown.map((member) => (
                <One
                  key={member.id}
                  member={member}
                  has={has(member)}
                  isChosen={chosen.has(member.id)}
                  onToggle={() => toggle(member.id)}
                />
              ))}
              {shown.length === 0 && (
                <li className={css.few}>{sought ? "No member of this name." : "There are no members but owners."}</li>
              )}
            </ul>
          </>
        )}
        {add.error && <Note tone="bad">{add.error.detail}</Note>}
      </div>
    </Dialog>
  );
}

function One(props: { member: Member; has: boolean; isChosen: boolean; onToggle: () => void }) {
  const { member, has } = props;
  const id = useId();
  const { name, email } = member.account;
  const mayNothing = member.permissions?.actions.length === 0;
  return (
    <li>
      <PersonAvatar name={name} size={28} />
      <label className={css.name} htmlFor={id}>
        <div>{name}</div>
        <div className={css.few}>
          {has ? "Sees it already" : mayNothing ? "May do nothing yet but look at its overview" : email}
        </div>
      </label>
      <Switch id={id} checked={has || props.isChosen} disabled={has} onChange={props.onToggle} aria-label={name} />
    </li>
  );
}
