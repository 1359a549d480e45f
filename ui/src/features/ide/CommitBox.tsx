import { Button, Menu, Textarea } from "@mantine/core";
import { IconChevronDown, IconGitBranch, IconGitCommit, IconGitMerge, IconUpload } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import {
  commitInDesk,
  listDeployments,
  mergeInDesk,
  type Named,
  pushFromDesk,
  type WorkingCopy,
} from "@/api/generated";
import { problemOf } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { Cut, DisabledReason, Go, Note, notice } from "@/kit";
import { nameOf, type Place } from "./files";
import css from "./ide.module.css";
import { isStaged } from "./letters";

type Props = {
  place: Place;
  copy: WorkingCopy;
  /** Files that are open, and hold what isn't saved: no commit takes it. */
  unsaved: string[];
  onDone: () => void;
  onConflicts: (paths: string[]) => void;
};

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

function listed(names: string[]): string {
  const last = names.at(-1) ?? "";
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}

/** "app.py isn't saved." */
function notSaved(paths: string[]): string {
  const [one = ""] = paths;
  return paths.length === 1 ? `${nameOf(one)} isn't saved.` : `${paths.length} files aren't saved.`;
}

/** Where the deployment of a push is seen; its instance where deployments aren't shown. */
async function begunOn(workspace: string, { id, name, slug }: Named, commit: string) {
  const base = `/${workspace}/instances/${slug}`;
  try {
    const { items } = await listDeployments(workspace, id, { limit: 5 });
    const found = items.find((one) => one.commit === commit);
    return { name, to: found ? `${base}/deployments/${found.id}` : `${base}/deployments` };
  } catch {
    return { name, to: base };
  }
}

type What = "commit" | "push" | "both" | "merge";

/** At the foot of the files: what is committed, and what a push will do. */
export function CommitBox({ place, copy, unsaved, onDone, onConflicts }: Props) {
  const [message, setMessage] = useState("");
  const client = useQueryClient();
  const staged = copy.changes.filter(isStaged).length;
  const changed = copy.changes.length;
  const canCommit = changed > 0 || copy.is_merging;
  const isBehind = copy.is_moved || copy.behind > 0;
  const elsewhere =
    copy.head === copy.branch
      ? null
      : `${copy.head === null ? "No branch" : `The branch ${copy.head}`} is checked out. Go back to ${copy.branch} in the terminal to push.`;
  const act = useMutation({
    mutationFn: async (what: What) => {
      const { workspace, instance } = place;
      if (what === "merge") {
        const { conflicts } = await mergeInDesk(workspace, instance);
        if (conflicts.length > 0) onConflicts(conflicts);
        else void notice(`Merged what ${copy.branch} has gained.`);
        return;
      }
      if (what !== "push") {
        await commitInDesk(workspace, instance, { message, all: staged === 0 });
        setMessage("");
      }
      if (what === "commit") return;
      const pushed = await pushFromDesk(workspace, instance);
      const begun = await Promise.all(pushed.deploys.map((one) => begunOn(workspace, one, pushed.commit)));
      void notice(
        <>
          Pushed to {pushed.branch}.{" "}
          {begun.map(({ name, to }, at) => (
            <Fragment key={to}>
              {at > 0 && (at === begun.length - 1 ? " and " : ", ")}
              <Go to={to} style={{ textDecoration: "underline" }}>
                {name}
              </Go>
            </Fragment>
          ))}
          {begun.length > 0 && (begun.length === 1 ? " is being deployed." : " are being deployed.")}
        </>,
      );
      for (const warning of pushed.warnings) void notice(warning);
      void client.invalidateQueries({ queryKey: [workspace, "instances"] });
      void client.invalidateQueries({ queryKey: [workspace, "deployments"] });
    },
    onSettled: onDone,
  });
  const problem = act.error ? problemOf(act.error) : null;
  const notCommitted = !canCommit
    ? unsaved.length > 0
      ? `${notSaved(unsaved)} Save first.`
      : "Nothing has changed since the last commit."
    : message.trim() === ""
      ? "Say in a line what the commit changes."
      : null;
  const notPushed =
    copy.push_blocked?.detail ??
    (isBehind ? `${copy.branch} has commits that yours lacks. Merge them first.` : null) ??
    elsewhere;
  const isPushAlone = !canCommit && copy.ahead > 0;
  const reason = isPushAlone ? notPushed : (notCommitted ?? notPushed);
  const main: What = isPushAlone ? "push" : "both";
  const deploys = copy.deploys.map(({ name }) => name);
  const effect =
    deploys.length > 0 ? `Pushing deploys ${listed(deploys)}.` : `Pushing moves ${copy.branch}; nothing deploys it.`;
  return (
    <section className={css.commit} aria-label="Commit">
      <div className={css.branchLine}>
        <IconGitBranch size={15} stroke={1.75} aria-hidden />
        <b>
          <Cut text={copy.branch} />
        </b>
        <span className={css.quiet}>{count(changed, "change")}</span>
      </div>
      {isBehind && (
        <Note tone="warn">
          {copy.branch} has commits that yours lacks.{" "}
          <button type="button" className={css.textButton} onClick={() => act.mutate("merge")} disabled={act.isPending}>
            Merge them
          </button>
        </Note>
      )}
      {elsewhere && <Note tone="warn">{elsewhere}</Note>}
      {copy.is_merging && <Note tone="warn">A merge waits for its commit. Settle its conflicts first.</Note>}
      <Textarea
        aria-label="What the commit changes"
        placeholder="What the commit changes"
        autosize
        minRows={2}
        maxRows={6}
        value={message}
        disabled={!canCommit}
        onChange={(event) => setMessage(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !reason) act.mutate(main);
        }}
      />
      <div className={css.commitButtons}>
        <DisabledReason reason={reason}>
          <Button
            fullWidth
            variant="filled"
            loading={act.isPending}
            leftSection={
              isPushAlone ? <IconUpload size={15} stroke={1.75} /> : <IconGitCommit size={15} stroke={1.75} />
            }
            aria-disabled={reason ? true : undefined}
            data-disabled={reason ? true : undefined}
            onClick={reason ? undefined : () => act.mutate(main)}
          >
            {isPushAlone ? `Push ${count(copy.ahead, "commit")}` : "Commit and push"}
          </Button>
        </DisabledReason>
        <Menu position="top-end">
          <Menu.Target>
            <Button px={8} aria-label="Other ways">
              <IconChevronDown size={15} stroke={1.75} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              leftSection={<IconGitCommit size={15} stroke={1.75} />}
              disabled={notCommitted !== null}
              onClick={() => act.mutate("commit")}
            >
              Commit only
            </Menu.Item>
            <Menu.Item
              leftSection={<IconUpload size={15} stroke={1.75} />}
              disabled={notPushed !== null || copy.ahead === 0}
              onClick={() => act.mutate("push")}
            >
              Push what is committed
            </Menu.Item>
            <Menu.Item
              leftSection={<IconGitMerge size={15} stroke={1.75} />}
              disabled={!isBehind}
              onClick={() => act.mutate("merge")}
            >
              Merge what {copy.branch} has gained
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      {problem && (
        <div role="alert">
          <Note tone="bad">{problem.detail}</Note>
        </div>
      )}
      {unsaved.length > 0 && (
        <p className={css.unsaved}>
          {notSaved(unsaved)} {canCommit && "A commit goes without what you typed last."}
        </p>
      )}
      <p className={css.quiet}>
        {copy.push_blocked?.detail ??
          (canCommit && staged > 0 && staged < changed ? `Commits the ${staged} staged. ${effect}` : effect)}
      </p>
    </section>
  );
}
