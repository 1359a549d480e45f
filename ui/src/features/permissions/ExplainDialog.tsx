import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { explainPermission } from "@/api/generated";
import { useGrantable } from "@/api/memberQueries";
import { useAllInstances, useAllProjects, useAllServers } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { listsProjects } from "@/frame/sections";
import { useWorkspace } from "@/frame/useWorkspace";
import { type About, type AskedKey, Dialog, Note, type Question } from "@/kit";
import { ACTIONS } from "@/kit/actions";
import { endWords } from "./ends";
import { inWords, kindsOf } from "./fits";
import { NotLoaded } from "./NotLoaded";
import css from "./permissions.module.css";
import { WhoDialog } from "./WhoDialog";

const GROUPS: [string, About["kind"]][] = [
  ["Instances", "instance"],
  ["Projects", "project"],
  ["Servers", "server"],
];

const OF_OWNERS: { value: AskedKey; label: string } = { value: "manage", label: "What owners do" };

type Named = { id: string; name: string };

type Subjects = Record<About["kind"], Named[]> & { isLoading: boolean; error: Error | null; again: () => void };

/** What can be asked about: everything for an owner, for a member what their own lists show. */
function useSubjects(isOwner: boolean): Subjects {
  const workspace = useWorkspace();
  const grantable = useGrantable(workspace.slug, isOwner);
  const instances = useAllInstances(workspace.slug, {}, !isOwner);
  const projects = useAllProjects(workspace.slug, !isOwner && listsProjects(workspace));
  const servers = useAllServers(workspace.slug, !isOwner);
  // Of what isn't asked for here, a refusal that somebody else got says nothing.
  const asked = isOwner ? [grantable] : [instances, servers, ...(listsProjects(workspace) ? [projects] : [])];
  const all = grantable.data;
  return {
    instance: all?.instances ?? instances.data ?? [],
    project: all?.projects ?? projects.data ?? [],
    server: all?.servers ?? servers.data ?? [],
    isLoading: asked.some((one) => one.isLoading),
    error: asked.find((one) => one.isLoadingError)?.error ?? null,
    again: () => {
      for (const one of asked) if (one.isLoadingError) void one.refetch();
    },
  };
}

type Props = {
  member: { id: string; account: { name: string } };
  /** What is asked about at first. */
  question?: Question | undefined;
  onClose: () => void;
};

/** Why a member, or oneself, can or can't do something: the server's own answer. */
export function ExplainDialog({ member, question, onClose }: Props) {
  const workspace = useWorkspace();
  const isOneself = member.id === workspace.member_id && !viewing();
  const isOwner = workspace.may.includes("manage");
  const subjects = useSubjects(isOwner);
  const [action, setAction] = useState<AskedKey | null>(question?.action ?? null);
  const about = question?.about;
  const [resource, setResource] = useState<string | null>(about ? `${about.kind} ${about.id}` : null);
  const [isAskingWho, setAskingWho] = useState(false);
  const [kind, id] = (resource?.split(" ") ?? []) as [About["kind"]?, string?];
  const query = { ...(action && { action }), ...(kind && { [kind]: id }) };
  const asked = useQuery({
    queryKey: [workspace.slug, "permissions", "explain", member.id, query],
    queryFn: ({ signal }) => explainPermission(workspace.slug, member.id, query, { signal }),
    enabled: Boolean(action || resource),
  });
  // What is asked about at first is there before the lists are.
  const named = (key: About["kind"]): Named[] => {
    const listed = subjects[key];
    return about?.kind === key && !listed.some((one) => one.id === about.id) ? [about, ...listed] : listed;
  };
  const group = (word: string, key: About["kind"]) => ({
    group: word,
    items: named(key).map((one) => ({ value: `${key} ${one.id}`, label: one.name })),
  });
  // What an action is never done to isn't offered beside it.
  const fits = (key: About["kind"]) => !action || kindsOf(action).includes(key);
  const choose = (next: AskedKey | null) => {
    setAction(next);
    if (next && kind && !kindsOf(next).includes(kind)) setResource(null);
  };
  const name = kind && named(kind).find((one) => one.id === id)?.name;
  return (
    <Dialog
      opened
      onClose={onClose}
      title={`What may ${isOneself ? "you" : member.account.name} do, and why?`}
      sentence={
        isOwner
          ? "Choose an action, and what it would be done to."
          : "Choose an action, and what it would be done to. Owners give permissions, and add what isn't offered here."
      }
      size={560}
      foot={
        <>
          {isOwner && name && <Button onClick={() => setAskingWho(true)}>Who can…</Button>}
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16, minHeight: 236, alignContent: "start" }}>
        <Select
          label="Action"
          placeholder="Choose an action"
          data={[...ACTIONS.map(({ key, label }) => ({ value: key, label })), OF_OWNERS]}
          value={action}
          onChange={choose}
          clearable
        />
        <Select
          label="Project, instance or server"
          placeholder={subjects.isLoading ? "Loading" : "Choose what it would be done to"}
          data={GROUPS.filter(([, key]) => fits(key))
            .map(([word, key]) => group(word, key))
            .filter(({ items }) => items.length > 0)}
          value={resource}
          onChange={setResource}
          searchable
          clearable
          limit={200}
        />
        {subjects.error && <NotLoaded error={subjects.error} again={subjects.again} />}
        <div aria-live="polite">
          {asked.error ? (
            <NotLoaded error={asked.error} again={() => void asked.refetch()} />
          ) : asked.isLoading ? (
            <span className={css.hint}>Asking the server</span>
          ) : asked.data ? (
            <Note tone={asked.data.allowed ? "good" : "bad"}>
              <strong>{asked.data.allowed ? "Allowed." : "Not allowed."}</strong>{" "}
              {inWords(asked.data.detail, action, kind !== undefined)}
              {asked.data.until && ` It ends on ${endWords(asked.data.until)}.`}
            </Note>
          ) : (
            !query.action &&
            !kind && (
              <span className={css.hint}>
                Of an action alone the answer is whether it is granted at all; of a thing alone, whether it is shown.
              </span>
            )
          )}
        </div>
      </div>
      {/* Over this one, which stays: it is what the focus goes back to. */}
      {isAskingWho && kind && id && name && (
        <WhoDialog
          about={{ kind, id, name }}
          first={action === "manage" ? null : action}
          onClose={() => setAskingWho(false)}
        />
      )}
    </Dialog>
  );
}
