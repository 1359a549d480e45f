import { IconArrowBackUp, IconHistory } from "@tabler/icons-react";
import { useState } from "react";
import { ifMatch } from "@/api/client";
import { type InstanceSettings, revertSettings, type SettingsChange } from "@/api/generated";
import { useAct } from "@/api/queries";
import { madeIn } from "@/features/backups/words";
import {
  Chip,
  ConfirmDialog,
  Empty,
  Failed,
  LoadingRows,
  More,
  Panel,
  Person,
  reasonAgainst,
  Time,
  WaitingButton,
} from "@/kit";
import { AFTER, useChanges } from "./queries";
import type { Here } from "./SettingForm";
import css from "./settings.module.css";
import { kept, type Line, lineOf, undoneOf } from "./words";

/** What was changed, by whom and when. Each change can be undone, as far as it is known what there was before. */
export function History({ here }: { here: Here }) {
  const { workspace, instance, settings } = here;
  const changes = useChanges(workspace, instance.id);
  const [undone, setUndone] = useState<SettingsChange | null>(null);
  const revert = useAct<string, InstanceSettings>(workspace, {
    act: (change) => revertSettings(workspace, instance.id, change, {}, ifMatch(settings.etag)),
    nouns: [...AFTER],
    onDone: () => setUndone(null),
  });
  const against = reasonAgainst(instance, "change_settings")?.detail;
  // Which of them runs isn't told, only that not all do: then the newest one waits, and of the others it isn't known.
  // What is said of those holds either way.
  const newest = changes.items?.find(({ needs_restart }) => needs_restart);
  const restart = (change: SettingsChange) =>
    !settings.restart_needed
      ? "Needed a restart"
      : change.id === newest?.id
        ? "Needs a restart"
        : "In force after a restart";
  // Of the whole line of changes the later part is here: which one was reverted is told by its time, where that is known.
  const reverted = ({ id }: { id: string }) => changes.items?.find((one) => one.id === id)?.at;
  const now = Date.now();
  const secrets = undone ? kept(undone.parts) : [];
  return (
    <section id="history" aria-labelledby="history-title" className={css.section}>
      <h2 id="history-title">History</h2>
      <p className={css.sentence}>
        Secret values are in none of it. What a change did can be reverted, as a change of its own.
      </p>
      <Panel>
        {changes.error ? (
          <Failed error={changes.error} retry={() => void changes.refetch()} inline />
        ) : !changes.items ? (
          <LoadingRows rows={2} />
        ) : changes.items.length === 0 ? (
          <Empty icon={IconHistory} title="Nothing was changed yet" inline>
            Each change of these settings is listed here, with who made it and what it did.
          </Empty>
        ) : (
          <ol className={css.changes}>
            {changes.items.map((change) => (
              <li key={change.id}>
                <div className={css.changeHead}>
                  {change.by ? <Person name={change.by.name} of={change.by.name} /> : <span>Somebody who is gone</span>}
                  <span className={css.quiet}>
                    <Time at={change.at} />
                  </span>
                  {change.reverts && <Chip>{revertedOf(reverted(change.reverts), now)}</Chip>}
                  {change.needs_restart && <Chip>{restart(change)}</Chip>}
                  <span className={css.end}>
                    {change.can_revert && (
                      <WaitingButton
                        variant="subtle"
                        leftSection={<IconArrowBackUp size={16} stroke={1.75} aria-hidden />}
                        aria-label={`Revert the change of ${madeIn(change.at, now)}`}
                        why={against}
                        onClick={() => setUndone(change)}
                      >
                        Revert
                      </WaitingButton>
                    )}
                  </span>
                </div>
                <Lines lines={change.parts.length === 0 ? VARIABLES : change.parts.map(lineOf)} />
              </li>
            ))}
          </ol>
        )}
        <More {...changes} />
      </Panel>
      <ConfirmDialog
        opened={undone !== null}
        onClose={() => {
          setUndone(null);
          revert.reset();
        }}
        title={undone ? `Revert the change of ${madeIn(undone.at, now)}?` : ""}
        action="Revert"
        danger={false}
        busy={revert.isPending}
        problem={revert.error}
        onConfirm={() => undone && revert.mutate(undone.id)}
      >
        <p className={css.before}>These go back to what they were before it:</p>
        {undone && <Lines lines={undone.parts.map(undoneOf).filter((line) => line !== null)} />}
        {secrets.length > 0 && (
          <p className={css.before}>
            {secrets.join(", ")} {secrets.length === 1 ? "stays" : "stay"} as now: earlier values of secrets aren't
            kept.
          </p>
        )}
      </ConfirmDialog>
    </section>
  );
}

const revertedOf = (at: string | undefined, now: number) =>
  at ? `Reverted the change of ${madeIn(at, now)}` : "Reverted an earlier change";

const VARIABLES: Line[] = [{ what: "Variables", detail: "" }];

function Lines({ lines }: { lines: Line[] }) {
  return (
    <ul className={css.lines}>
      {lines.map(({ what, detail }) => (
        <li key={`${what} ${detail}`}>
          {what}
          {detail && <span className={css.detail}>{detail}</span>}
        </li>
      ))}
    </ul>
  );
}
