import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeInstance } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Note, Panel, Section } from "@/kit";
import { EnvironmentPanel } from "./EnvironmentPanel";
import css from "./instances.module.css";

export function InstanceSettings({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  return (
    <div className={css.stack} style={{ maxWidth: 760 }}>
      <EnvironmentPanel workspace={workspace} instance={instance.id} />
      <General key={instance.etag ?? ""} workspace={workspace} instance={instance} />
    </div>
  );
}

function General({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  const [name, setName] = useState(instance.name);
  const [isForMembers, setForMembers] = useState(instance.visibility === "members");
  const [isProtected, setProtected] = useState(instance.is_protected);
  const save = useAct<void, Instance>(workspace, {
    act: () =>
      changeInstance(
        workspace,
        instance.id,
        { name: name.trim(), visibility: isForMembers ? "members" : "public", is_protected: isProtected },
        ifMatch(instance.etag),
      ),
    nouns: ["instances"],
  });
  const isChanged =
    name.trim() !== instance.name ||
    isForMembers !== (instance.visibility === "members") ||
    isProtected !== instance.is_protected;
  return (
    <Section title="General">
      <Panel>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (isChanged) save.mutate();
          }}
        >
          <div className={css.stack} style={{ padding: 16 }}>
            <TextInput
              label="Name"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={save.error?.field("name")}
              maxLength={80}
            />
            <Switch
              label="Only members may open it"
              description="Visitors sign in first; those who aren't allowed this instance are turned away."
              checked={isForMembers}
              onChange={(event) => setForMembers(event.currentTarget.checked)}
            />
            <Switch
              label="Protected"
              description="It can't be deleted until this is lifted."
              checked={isProtected}
              onChange={(event) => setProtected(event.currentTarget.checked)}
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
