import { Button } from "@mantine/core";
import {
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconLoader2,
  IconPlayerStopFilled,
  IconRocket,
  IconSparkles,
  IconX,
} from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { cancelDeployment, deployInstance, type ExplainWish } from "@/api/generated";
import type { Deployment, Instance } from "@/api/nouns";
import { useAct, useDeployment } from "@/api/queries";
import { Explanation } from "@/features/ai";
import { LogView, wishOf } from "@/features/logs";
import { useSubjects } from "@/frame/useSubjects";
import { useWorkspace } from "@/frame/useWorkspace";
import { AbleButton, Failed, Go, LoadingRows, Note, Person, Said, Section, ShortCommit, Time, useTitle } from "@/kit";
import { currentWord, DeploymentList, OutcomeBadge, took } from "./DeploymentList";
import css from "./deployments.module.css";
import { furthest, type StepState, steps } from "./steps";

const LOOKS: Record<StepState, { Icon: typeof IconLoader2; word: string; className: string | undefined }> = {
  done: { Icon: IconCircleCheckFilled, word: "done", className: css.done },
  now: { Icon: IconLoader2, word: "goes on", className: css.now },
  failed: { Icon: IconCircleXFilled, word: "failed", className: css.failedStep },
  cancelled: { Icon: IconPlayerStopFilled, word: "cancelled", className: css.cancelledStep },
  open: { Icon: IconCircleDashed, word: "not begun", className: css.open },
  untold: { Icon: IconCircleDashed, word: "not told", className: css.open },
};

/** One deployment: how it went in a sentence, its steps, its log, and the others below. */
export function DeploymentView({ workspace, instance, id }: { workspace: string; instance: Instance; id: string }) {
  const deployment = useDeployment(workspace, instance.id, id);
  if (deployment.error) return <Failed error={deployment.error} home={workspace} />;
  if (!deployment.data) return <LoadingRows rows={6} />;
  return <Shown key={id} workspace={workspace} instance={instance} deployment={deployment.data} />;
}

type ShownProps = { workspace: string; instance: Instance; deployment: Deployment };

function Shown({ workspace, instance, deployment }: ShownProps) {
  const { ai } = useWorkspace();
  const [asked, setAsked] = useState<{ wish: ExplainWish; turn: number } | null>(null);
  const ask = (wish: ExplainWish) => setAsked((before) => ({ wish, turn: (before?.turn ?? 0) + 1 }));
  const [evidence, setEvidence] = useState<ReadonlySet<string>>(new Set());
  const whole = { deployment: deployment.id };
  return (
    <div className={asked ? css.beside : ""}>
      <div className={css.stack}>
        <Outcome
          workspace={workspace}
          instance={instance}
          deployment={deployment}
          isExplained={asked !== null && asked.wish.from === undefined}
          {...(ai && { onExplain: () => ask(whole) })}
        />
        <LogView
          workspace={workspace}
          instance={instance.id}
          deployment={deployment.id}
          isOver={deployment.ended_at !== null}
          head={<Steps instance={instance} deployment={deployment} />}
          evidence={evidence}
          {...(ai && { onExplain: (ends) => ask(wishOf(ends, deployment.id)) })}
        />
        <Section title="All deployments">
          <DeploymentList workspace={workspace} instance={instance} open={deployment.id} />
        </Section>
      </div>
      {asked && (
        <Explanation
          key={JSON.stringify(asked.wish)}
          workspace={workspace}
          instance={instance.id}
          {...asked}
          onEvidence={setEvidence}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}

function Steps({ instance, deployment }: { instance: Instance; deployment: Deployment }) {
  const { job } = instance;
  const isRestore = job?.id === deployment.job && job.kind === "restore";
  const before = useRef("");
  before.current = furthest(deployment, before.current, isRestore);
  return (
    <ol className={css.steps} aria-label="Steps">
      {steps(deployment, before.current, isRestore).map(({ name, state }) => {
        const { Icon, word, className } = LOOKS[state];
        return (
          <li key={name} className={className}>
            <Icon size={16} className={state === "now" ? "turning" : ""} aria-hidden />
            {name}
            <span className="visually-hidden">{word}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** The one sentence, what it means for those who use the application, and what next. */
function Outcome(props: ShownProps & { isExplained: boolean; onExplain?: () => void }) {
  const { workspace, instance, deployment, onExplain } = props;
  useTitle(`Deployment #${deployment.number} of ${instance.name}`);
  const navigate = useNavigate();
  const subjects = useSubjects([
    { project: instance.project.id, branch: deployment.branch, commit: deployment.commit },
  ]);
  const nouns = ["instances", "deployments", "jobs"] as const;
  const again = useAct<void>(workspace, {
    act: () => deployInstance(workspace, instance.id, { commit: deployment.commit }),
    nouns: [...nouns],
    onDone: () => void navigate({ to: `/${workspace}/instances/${instance.slug}/deployments` }),
  });
  const cancel = useAct<void>(workspace, {
    act: () => cancelDeployment(workspace, instance.id, deployment.id),
    nouns: [...nouns],
  });
  const hasFailed = deployment.status === "failed";
  const isOpen = deployment.ended_at === null;
  const subject = subjects.get(deployment.commit)?.subject;
  const problem = again.error ?? cancel.error;
  return (
    <section
      className={`${css.outcome} ${hasFailed ? css.failed : ""}`}
      aria-label={`Deployment #${deployment.number}`}
    >
      <div className={css.why}>
        {hasFailed && <IconCircleXFilled size={20} aria-hidden />}
        <div className={css.words}>
          <div className={css.titleLine}>
            <h2>
              {hasFailed ? <Said text={deployment.reason ?? "It failed."} /> : `Deployment #${deployment.number}`}
            </h2>
            {!hasFailed && <OutcomeBadge deployment={deployment} />}
            {deployment.is_current && <span className={css.current}>{currentWord(instance)}</span>}
          </div>
          <p>
            {hasFailed ? `Deployment #${deployment.number} of ` : ""}
            <ShortCommit commit={deployment.commit} /> {subject ? `“${subject}”` : `of ${deployment.branch}`}
            {hasFailed ? " failed. " : ". "}
            {!hasFailed && deployment.reason && <Said text={deployment.reason} />}
            {hasFailed && instance.status === "running" && <strong>The previous release keeps running.</strong>}
          </p>
          {deployment.quote && <pre>{deployment.quote.trim()}</pre>}
        </div>
      </div>
      <div className={css.next}>
        {hasFailed && onExplain && (
          <Button
            className={css.explain ?? ""}
            aria-pressed={props.isExplained}
            leftSection={<IconSparkles size={16} stroke={1.75} aria-hidden />}
            onClick={onExplain}
          >
            Explain
          </Button>
        )}
        {isOpen ? (
          <Button
            leftSection={<IconX size={16} stroke={1.75} aria-hidden />}
            loading={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            Cancel
          </Button>
        ) : (
          <AbleButton
            of={instance}
            verb="deploy"
            leftSection={<IconRocket size={16} stroke={1.75} aria-hidden />}
            loading={again.isPending}
            onClick={() => again.mutate()}
          >
            Deploy again
          </AbleButton>
        )}
        {problem && <Note tone="bad">{problem.detail}</Note>}
        {hasFailed && !onExplain && <Hint workspace={workspace} />}
        <span className={css.byWhom}>
          {deployment.started_by ? (
            <Person name={`${deployment.started_by.name},`} of={deployment.started_by.name} />
          ) : (
            "Stoa,"
          )}
          <span>
            <Time at={deployment.created_at} />
            {deployment.ended_at && `, took ${took(deployment)}`}
          </span>
        </span>
      </div>
    </section>
  );
}

/** Owners alone can choose a provider: to the others nothing is shown. */
function Hint({ workspace }: { workspace: string }) {
  if (!useWorkspace().may.includes("manage")) return null;
  return (
    <span className={css.hint}>
      <IconSparkles size={15} stroke={1.75} aria-hidden />
      <span>
        <Go to={`/${workspace}/settings/ai`}>Choose an AI provider</Go> to have failures explained here.
      </span>
    </span>
  );
}
