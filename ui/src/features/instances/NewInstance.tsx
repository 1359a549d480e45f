import { Button, Select, Switch, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type Backup, createInstance } from "@/api/generated";
import { useMembers } from "@/api/memberQueries";
import type { Instance, Stage } from "@/api/nouns";
import { useAct, useAllProjects, useAllServers, useBranches } from "@/api/queries";
import { useBackupsOfProject } from "@/features/backups/queries";
import { made } from "@/features/backups/words";
import { useWorkspace } from "@/frame/useWorkspace";
import { Dialog, Note, WaitingButton } from "@/kit";
import css from "./instances.module.css";
import { OpenToAll } from "./OpenToAll";
import { AddVariable, type Edited, VariableRows, wanted } from "./Variables";

type Given = { project?: string; branch?: string; stage?: Stage; backup?: Backup };

/** What an instance of a stage takes from a backup. */
export function beginsWith({ instance, project, stage }: Backup, wanted: Stage): string {
  const isSame = wanted === stage;
  const data = isSame
    ? "It begins with the backup's data, database, plain variables, limits, health check and schedule of backups"
    : "It begins with the backup's data, database, plain variables, limits and health check";
  const code = project.is_deleted
    ? `; the code is of the branch that is chosen here, for the project ${project.name} is deleted with its own.`
    : ", and with its commit.";
  const secrets =
    instance.is_deleted && isSame ? `The secrets of ${instance.name} come with them.` : "Secrets are its own.";
  const schedule = isSame ? "" : ` No schedule of backups comes with a backup of ${stage}: set one where it's wanted.`;
  return `${data}${code} ${secrets}${schedule} Domains don't come: each is added and proved anew.`;
}

/** A new running copy of a branch. What is known already comes with it. */
export function NewInstanceDialog({ onClose, given = {} }: { onClose: () => void; given?: Given }) {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const projects = useAllProjects(workspace.slug);
  const servers = useAllServers(workspace.slug);
  // With its project the code of a backup is gone: its data go to another project's.
  const isCodeGone = given.backup?.project.is_deleted ?? false;
  const [project, setProject] = useState(isCodeGone ? "" : (given.project ?? ""));
  const chosenProject = project || (projects.data?.length === 1 ? (projects.data[0]?.id ?? "") : "");
  const branches = useBranches(workspace.slug, chosenProject, chosenProject !== "");
  const [server, setServer] = useState("");
  const chosenServer = server || (servers.data?.length === 1 ? (servers.data[0]?.id ?? "") : "");
  const [branch, setBranch] = useState(given.branch ?? "");
  const [stage, setStage] = useState<Stage>(given.stage ?? "staging");
  const [name, setName] = useState("");
  const [rows, setRows] = useState<Edited[]>([]);
  const plain = useMembers(workspace.slug, { role: "member", brief: true, limit: 1 });
  const backups = useBackupsOfProject(workspace.slug, given.backup ? "" : chosenProject);
  const [begins, setBegins] = useState("");
  const backup = given.backup ?? backups.find(({ id }) => id === begins);
  const named = (wanted: string | undefined) => branches.data?.find(({ name }) => name === wanted);
  const fallback = named(backup?.branch) ?? branches.data?.find(({ is_default }) => is_default) ?? branches.data?.[0];
  const chosenBranch = branch || (fallback?.name ?? "");
  // What is made of somebody's data isn't for everybody.
  const [isForMembers, setForMembers] = useState(backup !== undefined);
  const filled = JSON.stringify([project, server, branch, stage, name, rows, isForMembers, begins]);
  const [begun] = useState(filled);
  const projectName = projects.data?.find(({ id }) => id === chosenProject)?.name;
  // What comes again of one that is deleted, comes under its name.
  const again = backup?.instance.is_deleted && backup.stage === stage ? backup.instance.name : "";
  const proposed =
    again || (projectName ? `${projectName} ${stage === "production" ? "production" : chosenBranch}`.trim() : "");
  const create = useAct<void, Instance>(workspace.slug, {
    act: () =>
      createInstance(workspace.slug, {
        name: name.trim() || proposed,
        project: chosenProject,
        server: chosenServer,
        stage,
        branch: chosenBranch,
        environment: wanted(rows),
        visibility: isForMembers ? "members" : "public",
        ...(backup && { from_backup: backup.id }),
      }),
    nouns: ["instances", "jobs", "projects", "servers"],
    onDone: (instance) => {
      onClose();
      void navigate({
        to: `/${workspace.slug}/instances/${instance.slug}`,
        // There it is asked who may see it: it is on nobody's list.
        ...(plain.items?.length && { state: { isNew: true } as never }),
        ignoreBlocker: true,
      });
    },
  });
  const why = !chosenProject
    ? "Choose a project first"
    : !chosenBranch
      ? "Choose a branch first"
      : !chosenServer
        ? "Choose a server first"
        : name.trim() || proposed
          ? undefined
          : "Give it a name first";
  const problem = create.error;
  const own = ["branch", "server", "name"];
  const other = (problem?.errors ?? []).filter(({ field }) => !own.includes(field)).map(({ detail }) => detail);
  return (
    <Dialog
      opened
      onClose={onClose}
      title={backup ? `New instance from a backup of ${backup.instance.name}` : "New instance"}
      sentence={backup ? beginsWith(backup, stage) : "A running copy of a branch. Each push to the branch deploys it."}
      size={560}
      unsaved={filled !== begun}
      onSubmit={() => why === undefined && create.mutate()}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton type="submit" variant="filled" why={why} loading={create.isPending}>
            {backup ? "Create from the backup" : "Create and deploy"}
          </WaitingButton>
        </>
      }
    >
      <div className={css.stack}>
        {projects.data?.length === 0 && <Note tone="warn">There is no project yet. Create one first.</Note>}
        {servers.data?.length === 0 && <Note tone="warn">There is no server yet. Add one first.</Note>}
        <div className={css.pairs}>
          <Select
            label="Project"
            data={(projects.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={chosenProject || null}
            disabled={given.backup !== undefined && !isCodeGone}
            onChange={(value) => {
              setProject(value ?? "");
              setBranch("");
              setBegins("");
            }}
          />
          <Select
            label="Branch"
            searchable
            data={(branches.data ?? []).map(({ name }) => name)}
            value={chosenBranch || null}
            onChange={(value) => setBranch(value ?? "")}
            disabled={!chosenProject}
            error={problem?.field("branch")}
            inputWrapperOrder={["label", "input", "error", "description"]}
            {...(branches.data?.length === 0 && { description: "Nothing has been pushed to this project yet." })}
          />
          <Select
            label="Stage"
            data={[
              { value: "production", label: "Production" },
              { value: "staging", label: "Staging" },
              { value: "development", label: "Development" },
            ]}
            value={stage}
            onChange={(value) => setStage((value as Stage | null) ?? "staging")}
            allowDeselect={false}
            inputWrapperOrder={["label", "input", "error", "description"]}
            {...(backup?.is_of_production &&
              stage !== "production" && { description: "Outgoing mail is off: the data came from production." })}
          />
          <Select
            label="Server"
            data={(servers.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={chosenServer || null}
            onChange={(value) => setServer(value ?? "")}
            error={problem?.field("server")}
          />
        </div>
        {backups.length > 0 && (
          <Select
            label="From a backup"
            placeholder="None: it begins without data"
            data={backups.map(({ id, instance, created_at, stage }) => ({
              value: id,
              label: `${instance.name}, ${made(created_at, Date.now())}${instance.is_deleted ? ", deleted" : ""} (${stage})`,
            }))}
            value={begins || null}
            onChange={(value) => {
              setBegins(value ?? "");
              setForMembers(value !== null);
            }}
            clearable
            searchable
          />
        )}
        <TextInput
          label="Name"
          placeholder={proposed}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={problem?.field("name")}
          maxLength={80}
        />
        <Switch
          label="Only members may open it"
          description="Visitors sign in first; those who aren't allowed this instance are turned away."
          checked={isForMembers}
          onChange={(event) => setForMembers(event.currentTarget.checked)}
        />
        {!isForMembers && backup?.is_of_production && stage !== "production" && <OpenToAll />}
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own */}
        <div className={css.inDialog} role="group" aria-label="Variables">
          <div>
            <strong>Variables</strong>
            <div className={css.second}>What the application finds in its environment, from its first start on.</div>
          </div>
          <VariableRows rows={rows} onChange={setRows} />
          <div>
            <AddVariable rows={rows} onChange={setRows} />
          </div>
        </div>
        {other.length > 0 && <Note tone="bad">{other.join(" ")}</Note>}
        {problem && problem.errors.length === 0 && <Note tone="bad">{problem.detail}</Note>}
      </div>
    </Dialog>
  );
}
