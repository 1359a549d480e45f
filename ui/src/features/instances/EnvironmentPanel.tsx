import { ActionIcon, Button, Checkbox, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { at, type Tagged } from "@/api/client";
import { useAct, useEnvironment } from "@/api/queries";
import type { Environment, Variable } from "@/api/types";
import { Failed, LoadingRows, Note, Panel, Section } from "@/kit";
import css from "./instances.module.css";

export function EnvironmentPanel({ workspace, instance }: { workspace: string; instance: string }) {
  const environment = useEnvironment(workspace, instance);
  return (
    <Section title="Environment">
      {environment.error ? (
        <Failed error={environment.error} inline />
      ) : !environment.data ? (
        <LoadingRows rows={2} />
      ) : (
        <Variables
          key={environment.data.etag ?? ""}
          workspace={workspace}
          instance={instance}
          environment={environment.data}
        />
      )}
    </Section>
  );
}

type Edited = Variable & { key: number; isKept: boolean };

function Variables(props: { workspace: string; instance: string; environment: Tagged<Environment> }) {
  const { environment } = props;
  const [rows, setRows] = useState<Edited[]>(() =>
    environment.environment.map((variable, key) => ({ ...variable, key, isKept: variable.secret })),
  );
  const [next, setNext] = useState(rows.length);
  const [isChanged, setChanged] = useState(false);
  const save = useAct<void, Environment>(props.workspace, {
    method: "PUT",
    path: () => at`/instances/${props.instance}/environment`,
    body: () => ({
      environment: rows
        .filter(({ name }) => name.trim() !== "")
        .map(({ name, value, secret, isKept }) => ({
          name: name.trim(),
          // A secret that nobody typed anew keeps its value, which the page never learns.
          value: isKept && !value ? null : (value ?? ""),
          secret,
        })),
    }),
    ifMatch: () => environment.etag,
    nouns: ["environment", "instances"],
  });
  const change = (key: number, changed: Partial<Edited>) => {
    setChanged(true);
    setRows((rows) => rows.map((row) => (row.key === key ? { ...row, ...changed } : row)));
  };
  const add = () => {
    setRows((rows) => [...rows, { key: next, name: "", value: "", secret: false, isKept: false }]);
    setNext(next + 1);
  };
  return (
    <Panel>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <div className={css.variables}>
          {environment.restart_needed && (
            <Note tone="warn">What runs was started with other variables. A hard restart takes these over.</Note>
          )}
          {rows.length === 0 && (
            <span className={css.second}>No variables. The application gets Stoa's own alone.</span>
          )}
          {rows.map((row) => (
            <div key={row.key} className={css.variable}>
              <TextInput
                aria-label="Name"
                placeholder="NAME"
                value={row.name}
                onChange={(event) => change(row.key, { name: event.currentTarget.value })}
                spellCheck={false}
                autoComplete="off"
              />
              <TextInput
                aria-label={`Value of ${row.name}`}
                placeholder={row.isKept ? "Kept as it is" : "value"}
                type={row.secret ? "password" : "text"}
                value={row.value ?? ""}
                onChange={(event) => change(row.key, { value: event.currentTarget.value })}
                spellCheck={false}
                autoComplete="new-password"
              />
              <Checkbox
                label="Secret"
                checked={row.secret}
                disabled={row.isKept}
                onChange={(event) => change(row.key, { secret: event.currentTarget.checked })}
              />
              <ActionIcon
                aria-label={`Remove ${row.name}`}
                onClick={() => {
                  setChanged(true);
                  setRows((rows) => rows.filter(({ key }) => key !== row.key));
                }}
              >
                <IconTrash size={16} stroke={1.75} />
              </ActionIcon>
            </div>
          ))}
          {save.error && (
            <Note tone="bad">{save.error.errors.map(({ detail }) => detail).join(" ") || save.error.detail}</Note>
          )}
        </div>
        <div className={css.foot} style={{ justifyContent: "space-between" }}>
          <Button variant="subtle" leftSection={<IconPlus size={16} />} onClick={add}>
            Add a variable
          </Button>
          <Button type="submit" variant="filled" disabled={!isChanged} loading={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}
