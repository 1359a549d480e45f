import { ActionIcon, Tooltip } from "@mantine/core";
import { IconAlertTriangleFilled, IconExternalLink, IconGitBranch, IconPlus } from "@tabler/icons-react";
import type { PointerEvent } from "react";
import type { Instance } from "@/api/nouns";
import { stateOf } from "@/frame/jobs";
import { Cut, Go, Person, ShortCommit, StatusIcon, Time } from "@/kit";
import { behind } from "./behind";
import { afterDeletion, type Card, distance } from "./board";
import css from "./projects.module.css";

type Props = {
  card: Card;
  base: string;
  workspace: string;
  /** What the list of instances says of them: server and address. */
  known: Map<string, Instance>;
  /** Makes an instance of the branch. Absent where the caller may not. */
  onNew?: () => void;
  /** How it is lifted. Absent where it leads nowhere. */
  lift?: { grab: (event: PointerEvent<HTMLElement>) => void; byKeys: () => void };
  /** Chosen as the target of what is lifted. */
  isOver?: boolean;
  stage?: string;
};

export function BranchCard({ card, base, workspace, known, onNew, lift, isOver, stage }: Props) {
  const { branch, instances } = card;
  const { commit } = branch;
  const gone = afterDeletion(card);
  return (
    <article
      className={css.card}
      {...(stage && { "data-stage": stage, "data-branch": branch.name })}
      data-over={isOver || undefined}
      data-lifts={lift ? true : undefined}
      onPointerDown={lift?.grab}
    >
      <div className={css.line}>
        {lift ? (
          <button
            type="button"
            data-lift
            className={css.lift}
            aria-label={`Lift ${branch.name}`}
            // By a pointer it is dragged; only keys click it without one.
            onClick={({ detail }) => detail === 0 && lift.byKeys()}
          >
            <IconGitBranch size={15} stroke={1.75} aria-hidden />
          </button>
        ) : (
          <IconGitBranch size={15} stroke={1.75} aria-hidden />
        )}
        <strong>
          <Cut text={branch.name} />
        </strong>
        <span className={`${css.quiet} ${css.distance}`}>{distance(branch, base)}</span>
        {onNew && (
          <Tooltip label="New instance of this branch">
            <ActionIcon size={24} aria-label={`New instance of ${branch.name}`} onClick={onNew}>
              <IconPlus size={15} stroke={1.75} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      {commit && <Cut text={commit.subject} className={css.subject ?? ""} />}
      {commit && (
        <div className={`${css.line} ${css.by}`}>
          <Person name={commit.author_name} size={17} />
          <ShortCommit commit={commit.id} />
          <span className={css.when}>
            <Time at={commit.at} />
          </span>
        </div>
      )}
      {gone && (
        <p className={css.gone}>
          <IconAlertTriangleFilled size={15} aria-hidden /> {gone}
        </p>
      )}
      {instances.map((instance) => {
        const here = known.get(instance.id);
        const { url, server } = here ?? {};
        const old = behind(here, branch);
        return (
          <div key={instance.id} className={css.instance}>
            <StatusIcon {...(here ? stateOf(here) : { status: instance.status })} />
            <Go to={`/${workspace}/instances/${instance.slug}`}>
              <Cut text={instance.name} />
            </Go>
            {server && <Cut text={server.name} className={css.server ?? ""} />}
            {url && (
              <a
                className={css.visit}
                href={url}
                target="_blank"
                rel="noreferrer"
                aria-label={`Open the address of ${instance.name}`}
              >
                <IconExternalLink size={15} stroke={1.75} aria-hidden />
              </a>
            )}
            {old && (
              <span className={css.old}>
                <IconAlertTriangleFilled size={14} aria-hidden />
                {old.runs ? (
                  <span>
                    Runs <ShortCommit commit={old.runs} />, behind its branch
                  </span>
                ) : (
                  "Nothing of it runs yet"
                )}
              </span>
            )}
          </div>
        );
      })}
    </article>
  );
}
