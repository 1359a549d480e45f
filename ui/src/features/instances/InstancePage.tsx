import { CloseButton } from "@mantine/core";
import { IconExternalLink, IconGitBranch, IconGitCommit, IconServer2 } from "@tabler/icons-react";
import { useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { useRef } from "react";
import type { Deployment, Instance } from "@/api/nouns";
import { isCode, isRefusal } from "@/api/problem";
import { useDeployments, useInstance } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { holdsEdits, useEditsKey } from "@/features/ide/heldEdits";
import { stateOf } from "@/frame/jobs";
import { useSubjects } from "@/frame/useSubjects";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  ClosedInView,
  Cut,
  Failed,
  Forbidden,
  Go,
  LoadingPage,
  Note,
  NotFound,
  PageTitle,
  Person,
  ShortCommit,
  StageTag,
  StatusBadge,
  Tabs,
  Time,
} from "@/kit";
import { InstanceActions } from "./InstanceActions";
import css from "./instances.module.css";
import { ShareDialog } from "./later";
import { BackupsTab, DeploymentList, DeploymentView, IdePage, InstanceOverview, LogPage, SettingsTab } from "./tabs";
import { useActs } from "./useActs";

/** Tabs that a permission of its own opens: without it nothing is asked, which could only be refused. */
const LOCKED = {
  logs: { verb: "read_logs", action: "view_logs", name: "Logs", what: "read logs here" },
  deployments: { verb: "read_logs", action: "view_logs", name: "Deployments", what: "see deployments here" },
  backups: { verb: "backup", action: "manage_backups", name: "Backups", what: "see backups here" },
  ide: { verb: "use_ide", action: "use_ide", name: "IDE", what: "use the IDE here" },
  settings: { verb: "change_settings", action: "manage_settings", name: "Settings", what: "see the settings here" },
} as const;
const isLocked = (tab: string): tab is keyof typeof LOCKED => Object.hasOwn(LOCKED, tab);

const NOTHING = "The address leads to nothing that exists, or to nothing that you may see.";
const KEPT =
  "What you changed in files and didn't save is kept while this tab of the browser stays open: it is there again once you may.";

/** One instance: a header that is the same on every tab, and the tab that the address names. */
export function InstancePage() {
  const workspace = useWorkspace();
  const { instance: slug = "", tab: named, deployment } = useParams({ strict: false });
  const tab = deployment ? "deployments" : (named ?? "overview");
  const instance = useInstance(workspace.slug, slug);
  const { isNew, leave } = useIsNew();
  const edits = useEditsKey(useKnown(slug, instance.data));
  const acts = useActs(workspace.slug);
  const mayRead = instance.data?.may.includes("read_logs") ?? false;
  const asked = useDeployments(workspace.slug, instance.data?.id ?? "", mayRead);
  const deployments = mayRead ? asked.items : undefined;
  // What is typed in it outlasts a question that only failed.
  if (isCode(instance.error, "not_found") && holdsEdits(edits))
    return <NotFound home={workspace.slug}>{`${NOTHING} ${KEPT}`}</NotFound>;
  if (instance.error && (!instance.data || isRefusal(instance.error)))
    return <Failed error={instance.error} home={workspace.slug} />;
  if (!instance.data) return <LoadingPage />;
  const here = instance.data;
  const base = `/${workspace.slug}/instances/${here.slug}`;
  const mayEdit = here.may.includes("use_ide");
  const closed = isLocked(tab) && !here.may.includes(LOCKED[tab].verb) ? LOCKED[tab] : null;
  // All of the window is the editor's: the way back stands above it, in the breadcrumbs.
  if (tab === "ide" && mayEdit && !viewing())
    return (
      <div data-fill="window">
        <IdePage workspace={workspace.slug} instance={here} />
      </div>
    );
  const newest = deployments?.[0];
  const tabs = [
    { key: "overview", name: "Overview", to: base },
    ...Object.entries(LOCKED)
      .filter(([key, { verb }]) => key === tab || here.may.includes(verb))
      .map(([key, { verb, name }]) => ({
        key,
        name,
        to: `${base}/${key}`,
        // They are numbered within the instance: the newest one's number is how many there were.
        ...(key === "deployments" && { count: newest?.number }),
        ...(!here.may.includes(verb) && { isLocked: true }),
      })),
  ];
  const isLog = tab === "logs" && mayRead && !viewing();
  return (
    <div {...(isLog && { "data-fill": "window" })}>
      <PageTitle
        title={here.name}
        isTight
        beside={
          <>
            <StatusBadge {...stateOf(here)} />
            {here.status !== "failed" && newest?.status === "failed" && (
              <StatusBadge
                status="failed"
                word={newest.cause === "restore" ? "Last restore failed" : "Last deployment failed"}
              />
            )}
            <StageTag stage={here.stage} />
          </>
        }
        facts={
          <Facts instance={here} workspace={workspace.slug} current={deployments?.find((one) => one.is_current)} />
        }
        actions={<InstanceActions workspace={workspace.slug} instance={here} acts={acts} />}
      />
      {acts.error && acts.variables.id === here.id && (
        <div className={css.wentWrong}>
          <Note tone="bad">{acts.error.detail}</Note>
          <CloseButton
            size={24}
            aria-label="Close what went wrong"
            onClick={() => {
              acts.reset();
              document.getElementById("main")?.focus({ preventScroll: true });
            }}
          />
        </div>
      )}
      <Tabs label={here.name} tabs={tabs} current={tab} />
      {viewing() && tab === "logs" && mayRead ? (
        <ClosedInView />
      ) : isLog ? (
        <LogPage workspace={workspace.slug} instance={here} newest={newest} />
      ) : tab === "ide" && mayEdit ? (
        <ClosedInView />
      ) : closed ? (
        <Forbidden
          action={closed.action}
          what={closed.what}
          back={{ name: here.name, to: base }}
          about={{ kind: "instance", id: here.id, name: here.name }}
        >
          You may see {here.name}, but your permissions in {workspace.name} don't include this action.
          {tab === "ide" && holdsEdits(edits) && ` ${KEPT}`}
        </Forbidden>
      ) : deployment ? (
        <DeploymentView workspace={workspace.slug} instance={here} id={deployment} />
      ) : tab === "deployments" ? (
        <DeploymentList workspace={workspace.slug} instance={here} />
      ) : tab === "backups" ? (
        <BackupsTab workspace={workspace.slug} instance={here} />
      ) : tab === "settings" ? (
        <SettingsTab workspace={workspace.slug} instance={here} />
      ) : (
        <InstanceOverview workspace={workspace.slug} instance={here} />
      )}
      {isNew && workspace.may.includes("manage") && !viewing() && <ShareDialog instance={here} isNew onClose={leave} />}
    </div>
  );
}

/**
 * The id of what stands at this address, or stood there before it was hidden. Not of what was being deleted by then:
 * that doesn't come back.
 */
function useKnown(slug: string, here: Instance | undefined): string {
  const known = useRef({ slug, id: "" });
  if (here) known.current = { slug, id: here.status === "deleting" ? "" : here.id };
  else if (known.current.slug !== slug) known.current = { slug, id: "" };
  return known.current.id;
}

/** Whether it was made just now, which is kept with this place in the history: its owner is asked who may see it. */
function useIsNew() {
  const navigate = useNavigate();
  const isNew = useLocation({ select: ({ state }) => (state as { isNew?: boolean }).isNew === true });
  const leave = () => void navigate({ to: ".", search: true as never, state: {}, replace: true, resetScroll: false });
  return { isNew, leave };
}

function Facts(props: { instance: Instance; workspace: string; current: Deployment | undefined }) {
  const { instance, current } = props;
  const subjects = useSubjects([{ project: instance.project.id, branch: instance.branch, commit: instance.commit }]);
  const commit = instance.commit ? subjects.get(instance.commit) : undefined;
  return (
    <ul className={css.facts} aria-label={`About ${instance.name}`}>
      {instance.url && (
        <li>
          <a className={css.url} href={instance.url} target="_blank" rel="noreferrer">
            <IconExternalLink size={15} stroke={1.75} aria-hidden />
            <Cut text={instance.url.replace(/^https?:\/\//, "")} />
          </a>
        </li>
      )}
      <li>
        <IconGitBranch size={15} stroke={1.75} aria-hidden />
        <Cut text={instance.branch} />
      </li>
      {instance.commit && (
        <li>
          <IconGitCommit size={15} stroke={1.75} aria-hidden />
          <ShortCommit commit={instance.commit} />
          {commit && <Cut text={commit.subject} className={css.subject ?? ""} />}
        </li>
      )}
      {current?.started_by && (
        <li>
          <Person name={`${current.started_by.name},`} of={current.started_by.name} />
          <Time at={current.created_at} />
        </li>
      )}
      {instance.server && (
        <li>
          <IconServer2 size={15} stroke={1.75} aria-hidden />
          <Go className={css.quietLink ?? ""} to={`/${props.workspace}/servers/${instance.server.slug}`}>
            <Cut text={instance.server.name} />
          </Go>
        </li>
      )}
    </ul>
  );
}
