import { Button, Switch, TextInput } from "@mantine/core";
import { ifMatch, type Tagged } from "@/api/client";
import { changeInstance } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Note, Panel, Section, Unsaved, useDraft } from "@/kit";
import { EnvironmentPanel } from "./EnvironmentPanel";
import css from "./instances.module.css";
import { Meanwhile } from "./Meanwhile";

export function InstanceSettings({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  return (
    <div className={css.stack} style={{ maxWidth: 760 }}>
      <EnvironmentPanel workspace={workspace} instance={instance.id} />
      <General workspace={workspace} instance={instance} />
    </div>
  );
}

function General({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  const form = useDraft(instance, ({ name, visibility, is_protected }) => ({
    name,
    isForMembers: visibility === "members",
    isProtected: is_protected,
  }));
  const { name, isForMembers, isProtected } = form.draft;
  const set = (change: Partial<typeof form.draft>) => form.setDraft({ ...form.draft, ...change });
  const save = useAct<void, Instance>(workspace, {
    act: () =>
      changeInstance(
        workspace,
        instance.id,
        { name: name.trim(), visibility: isForMembers ? "members" : "public", is_protected: isProtected },
        ifMatch(form.etag),
      ),
    nouns: ["instances"],
    onDone: form.take,
  });
  const { isChanged } = form;
  return (
    <Section title="General">
      <Panel>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (isChanged) save.mutate();
          }}
        >
          <Unsaved when={isChanged} what="What you changed of the instance" />
          <div className={css.stack} style={{ padding: 16 }}>
            {isChanged && form.isStale && !save.isPending && <Meanwhile what="settings" drop={form.drop} />}
            <TextInput
              label="Name"
              value={name}
              onChange={(event) => set({ name: event.currentTarget.value })}
              error={save.error?.field("name")}
              maxLength={80}
            />
            <Switch
              label="Only members may open it"
              description="Visitors sign in first; those who aren't allowed this instance are turned away."
              checked={isForMembers}
              onChange={(event) => set({ isForMembers: event.currentTarget.checked })}
            />
            <Switch
              label="Protected"
              description="It can't be deleted until this is lifted."
              checked={isProtected}
              onChange={(event) => set({ isProtected: event.currentTarget.checked })}
            />
            {save.error && save.error.errors.length === 0 && <Note tone="bad">{save.error.detail}</Note>}
          </div>
          <div className={css.foot}>
            <Button type="submit" variant="filled" disabled={!isChanged} loading={save.isPending}>
              Save
            </Button>
          </div>
        </form>
      </Panel>
    </Section>
  );
}
