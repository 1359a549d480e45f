import { Button, Switch, TextInput } from "@mantine/core";
import { useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeInstance } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Meanwhile, Note, Panel, Unsaved, useDraft, WaitingButton } from "@/kit";
import { OpenToAll } from "../OpenToAll";
import { AFTER } from "./queries";
import { type Here, SettingForm } from "./SettingForm";
import css from "./settings.module.css";

export function Access({ here }: { here: Here }) {
  return (
    <SettingForm<{ isForMembers: boolean }>
      id="access"
      title="Protection and visibility"
      sentence="Who may open the instance's addresses."
      what="who may open it"
      here={here}
      draftOf={({ visibility }) => ({ isForMembers: visibility === "members" })}
      fields={({ isForMembers }) => ({ "who may open it": isForMembers })}
      bodyOf={({ isForMembers }) => ({ visibility: isForMembers ? "members" : "public" })}
    >
      {({ draft, set }) => (
        <>
          <Switch
            label="Only members may open it"
            description="Visitors sign in first; those who aren't allowed this instance are turned away."
            checked={draft.isForMembers}
            onChange={(event) => set({ isForMembers: event.currentTarget.checked })}
          />
          {!draft.isForMembers && here.settings.is_mail_off && <OpenToAll />}
        </>
      )}
    </SettingForm>
  );
}

/** Where an address leads to the switch, behind its `#`. */
export const PROTECTION = "protection";

const fields = ({ name, isProtected }: { name: string; isProtected: boolean }) => ({
  Name: name,
  Protection: isProtected,
});

/** What owners alone set. */
export function Protection({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  const form = useDraft(instance, ({ name, is_protected }) => ({ name, isProtected: is_protected }));
  const { name, isProtected } = form.draft;
  const set = (change: Partial<typeof form.draft>) => form.setDraft({ ...form.draft, ...change });
  const save = useAct<void, Instance>(workspace, {
    act: () =>
      changeInstance(workspace, instance.id, { name: name.trim(), is_protected: isProtected }, ifMatch(form.etag)),
    nouns: [...AFTER],
    onDone: form.take,
  });
  const { isChanged } = form;
  const drop = () => {
    form.drop();
    save.reset();
  };
  // A link that leads here wants the switch, which stands far down.
  const protection = useRef<HTMLInputElement>(null);
  const { hash } = useLocation();
  useEffect(() => {
    if (hash !== PROTECTION) return;
    protection.current?.scrollIntoView({ block: "center" });
    protection.current?.focus({ preventScroll: true });
  }, [hash]);
  return (
    <section aria-label="Name and protection" className={css.section}>
      <Panel>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (isChanged) save.mutate();
          }}
        >
          <Unsaved when={isChanged} what="What you changed of the instance" />
          <div className={css.fields}>
            {isChanged && form.isStale && !save.isPending && <Meanwhile form={form} fields={fields} drop={drop} />}
            <Switch
              ref={protection}
              id={PROTECTION}
              label="Protected"
              description="It can't be deleted until an owner lifts this."
              checked={isProtected}
              onChange={(event) => set({ isProtected: event.currentTarget.checked })}
            />
            <TextInput
              label="Name"
              value={name}
              onChange={(event) => set({ name: event.currentTarget.value })}
              error={save.error?.field("name")}
              maxLength={80}
            />
            {save.error && save.error.errors.length === 0 && <Note tone="bad">{save.error.detail}</Note>}
          </div>
          <div className={css.foot}>
            <span className={`${css.footStart} ${css.quiet}`}>Only owners see and set these two.</span>
            {isChanged && (
              <Button onClick={drop} disabled={save.isPending}>
                Discard
              </Button>
            )}
            <WaitingButton
              type="submit"
              variant="filled"
              why={isChanged ? undefined : "Change something first"}
              loading={save.isPending}
            >
              Save
            </WaitingButton>
          </div>
        </form>
      </Panel>
    </section>
  );
}
