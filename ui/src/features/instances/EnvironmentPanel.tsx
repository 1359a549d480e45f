import { Button } from "@mantine/core";
import { ifMatch, type Tagged } from "@/api/client";
import { setEnvironment } from "@/api/generated";
import type { Environment } from "@/api/nouns";
import { useAct, useEnvironment } from "@/api/queries";
import { Failed, LoadingRows, Note, Panel, Section, Unsaved, useDraft } from "@/kit";
import css from "./instances.module.css";
import { Meanwhile } from "./Meanwhile";
import { AddVariable, type Edited, edited, VariableRows, wanted } from "./Variables";

export function EnvironmentPanel({ workspace, instance }: { workspace: string; instance: string }) {
  const environment = useEnvironment(workspace, instance);
  return (
    <Section title="Environment">
      {environment.data ? (
        <Variables workspace={workspace} instance={instance} environment={environment.data} />
      ) : environment.error ? (
        <Failed error={environment.error} retry={() => void environment.refetch()} inline />
      ) : (
        <LoadingRows rows={2} />
      )}
    </Section>
  );
}

function Variables(props: { workspace: string; instance: string; environment: Tagged<Environment> }) {
  const { environment } = props;
  const form = useDraft<Tagged<Environment>, Edited[]>(environment, ({ environment }) => edited(environment));
  const { draft: rows, setDraft: change, isChanged } = form;
  const save = useAct<void, Environment>(props.workspace, {
    act: () => setEnvironment(props.workspace, props.instance, { environment: wanted(rows) }, ifMatch(form.etag)),
    nouns: ["environment", "instances"],
    onDone: form.take,
  });
  return (
    <Panel>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isChanged) save.mutate();
        }}
      >
        <Unsaved when={isChanged} what="What you changed of the variables" />
        <div className={css.variables}>
          {isChanged && form.isStale && !save.isPending && <Meanwhile what="variables" drop={form.drop} />}
          {environment.restart_needed && (
            <Note tone="warn">What runs was started with other variables. A hard restart takes these over.</Note>
          )}
          {rows.length === 0 && (
            <span className={css.second}>No variables. The application gets those that Stoa sets, and no others.</span>
          )}
          <VariableRows rows={rows} onChange={change} />
          {save.error && (
            <Note tone="bad">{save.error.errors.map(({ detail }) => detail).join(" ") || save.error.detail}</Note>
          )}
        </div>
        <div className={css.foot} style={{ justifyContent: "space-between" }}>
          <AddVariable rows={rows} onChange={change} />
          <Button type="submit" variant="filled" disabled={!isChanged} loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}
