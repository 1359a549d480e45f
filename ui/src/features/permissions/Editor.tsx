import { SegmentedControl } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { type ReactNode, useMemo, useState } from "react";
import { useGrantable } from "@/api/memberQueries";
import type { ActionKey } from "@/api/nouns";
import { useWorkspace } from "@/frame/useWorkspace";
import { usePhone } from "@/kit";
import { ACTIONS } from "@/kit/actions";
import { ActionRow } from "./ActionRow";
import { addsUpTo, type Change, type Draft, kept, LISTS, type Lists } from "./difference";
import { Ends } from "./Ends";
import { type NameOf, namesIn } from "./ends";
import css from "./permissions.module.css";
import { ResourceList } from "./ResourceList";

const WORDS: Record<Lists, string> = {
  projects: "Allowed projects",
  instances: "Allowed instances",
  servers: "Allowed servers",
};

/** The names of what a profile holds, by list and id. */
export function useNames(): NameOf {
  const { slug } = useWorkspace();
  const grantable = useGrantable(slug);
  return useMemo(() => namesIn(grantable.data), [grantable.data]);
}

type Props = {
  draft: Draft;
  /** What is saved: where it differs, it is marked. */
  base: Draft;
  changes: Change[];
  /** Preset, copy from, and what else fills the form in. */
  tools: ReactNode;
  onChange: (draft: Draft) => void;
};

/** The two sections: ten switches, three lists, and what they add up to. It saves nothing. */
export function Editor({ draft, base, changes, tools, onChange }: Props) {
  const { slug } = useWorkspace();
  const phone = usePhone();
  const [view, setView] = useState<"actions" | "resources">("actions");
  const grantable = useGrantable(slug);
  const nameOf = useNames();
  const set = (part: Partial<Draft>) => onChange(kept({ ...draft, ...part }));
  const toggle = (key: ActionKey, on: boolean) =>
    set({ actions: on ? [...draft.actions, key] : draft.actions.filter((one) => one !== key) });
  const end = (key: string, at: string | null) => {
    const { [key]: _, ...rest } = draft.until;
    set({ until: at ? { ...rest, [key]: at } : rest });
  };
  const changed = (key: ActionKey) =>
    changes.find((change): change is Change & { kind: "action" } => change.kind === "action" && change.key === key);
  const total = LISTS.reduce((sum, list) => sum + draft[list].length, 0);
  return (
    <>
      <div className={css.tools}>{tools}</div>
      {phone && (
        <div className={css.views}>
          <SegmentedControl
            fullWidth
            value={view}
            onChange={(value) => setView(value as typeof view)}
            data={[
              { value: "actions", label: `Actions · ${draft.actions.length} of 10` },
              { value: "resources", label: `Resources · ${total}` },
            ]}
          />
        </div>
      )}
      <div className={css.body}>
        {(!phone || view === "actions") && (
          <section className={css.actions} aria-label="Action Permissions">
            <div className={css.sectionHead}>
              <h3>Action Permissions</h3>
              <span className={`${css.few} numbers`}>{draft.actions.length} of 10</span>
            </div>
            {ACTIONS.map((action) => (
              <ActionRow
                key={action.key}
                action={action}
                isOn={draft.actions.includes(action.key)}
                change={changed(action.key)?.added}
                until={draft.until[action.key]}
                isEndChanged={changes.some((change) => change.kind === "end" && change.key === action.key)}
                onChange={(on) => toggle(action.key, on)}
                onEnd={(at) => end(action.key, at)}
              />
            ))}
          </section>
        )}
        {(!phone || view === "resources") && (
          <section className={css.resources} aria-label="Resource Access">
            <h3>Resource Access</h3>
            <p>
              The switches work on these and no others. The three lists are independent: an allowed project doesn't
              allow its instances.
            </p>
            {LISTS.map((list) => (
              <ResourceList
                key={list}
                label={WORDS[list]}
                offered={grantable.data?.[list]}
                error={grantable.error}
                chosen={draft[list]}
                saved={base[list]}
                until={draft.until}
                onChange={(ids) => set({ [list]: ids })}
              />
            ))}
            <div className={css.sum} aria-live="polite">
              <strong>
                <IconInfoCircle size={16} stroke={1.75} aria-hidden />
                What this adds up to
              </strong>
              {addsUpTo(draft, nameOf)}
            </div>
            <Ends draft={draft} nameOf={nameOf} onChange={(until) => set({ until })} />
          </section>
        )}
      </div>
    </>
  );
}
