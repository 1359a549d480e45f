import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeSettings, type InstanceSettings, type InstanceSettingsChange } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { isCode, type Problem } from "@/api/problem";
import { useAct } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { type Fields, Meanwhile, Note, Panel, Unsaved, useDraft, WaitingButton } from "@/kit";
import { AFTER } from "./queries";
import css from "./settings.module.css";

/** Whose settings are shown, and as what. */
export type Here = { workspace: string; instance: Tagged<Instance>; settings: Tagged<InstanceSettings> };

export type Draft<D> = { draft: D; set: (change: Partial<D>) => void; problem: Problem | null };

/** One part of the settings, saved by itself. What others set meanwhile stays. */
export function SettingForm<D extends object>(props: {
  id: string;
  title: string;
  sentence?: ReactNode;
  /** In the middle of a sentence. */
  what: string;
  here: Here;
  draftOf: (settings: InstanceSettings) => D;
  /** What it holds by the names of its fields: for whom somebody else meets in it. */
  fields: (draft: D) => Fields;
  /** What is sent; null while what was typed isn't whole. */
  bodyOf: (draft: D) => InstanceSettingsChange | null;
  /** What the button says. */
  save?: string;
  foot?: (form: Draft<D>) => ReactNode;
  children: (form: Draft<D>) => ReactNode;
}) {
  const { workspace, instance, settings } = props.here;
  const form = useDraft<Tagged<InstanceSettings>, D>(settings, props.draftOf);
  const body = props.bodyOf(form.draft);
  const save = useAct<InstanceSettingsChange, InstanceSettings>(workspace, {
    act: (wanted) => changeSettings(workspace, instance.id, wanted, ifMatch(form.etag)),
    nouns: [...AFTER],
    onDone: form.take,
  });
  const { isChanged } = form;
  const isMet = isChanged && form.isStale && !save.isPending;
  // That somebody else was first is told by what they have changed, once that is known.
  const refused = isMet && isCode(save.error, "precondition_failed") ? null : save.error;
  // What was wrong with it goes with what was typed.
  const drop = () => {
    form.drop();
    save.reset();
  };
  const blocked = viewing() ? "You look on as a member." : instance.blocked.change_settings?.detail;
  const given: Draft<D> = {
    draft: form.draft,
    set: (change) => form.setDraft({ ...form.draft, ...change }),
    problem: save.error,
  };
  return (
    <section id={props.id} aria-labelledby={`${props.id}-title`} className={css.section}>
      <h2 id={`${props.id}-title`}>{props.title}</h2>
      {props.sentence && <p className={css.sentence}>{props.sentence}</p>}
      <Panel>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (isChanged && body && !blocked) save.mutate(body);
          }}
        >
          <Unsaved when={isChanged} what={`What you changed of ${props.what}`} />
          <div className={css.fields}>
            {isMet && <Meanwhile form={form} fields={props.fields} drop={drop} />}
            {props.children(given)}
            {refused && refused.errors.length === 0 && <Note tone="bad">{refused.detail}</Note>}
          </div>
          <div className={css.foot}>
            <div className={css.footStart}>{props.foot?.(given)}</div>
            {isChanged && (
              <Button onClick={drop} disabled={save.isPending}>
                Discard
              </Button>
            )}
            <WaitingButton
              type="submit"
              variant="filled"
              why={
                blocked ??
                (isChanged ? (body ? undefined : "Correct what can't be read first") : "Change something first")
              }
              loading={save.isPending}
            >
              {props.save ?? "Save"}
            </WaitingButton>
          </div>
        </form>
      </Panel>
    </section>
  );
}
