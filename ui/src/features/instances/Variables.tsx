// Variables as they are typed: rows of name, value and whether it is secret.

import { ActionIcon, Button, Checkbox, TextInput } from "@mantine/core";
import { IconAlertTriangleFilled, IconPlus, IconTrash } from "@tabler/icons-react";
import type { Variable } from "@/api/nouns";
import css from "./instances.module.css";

export type Edited = Variable & {
  key: number;
  /** A secret that is saved: its value is kept unless another is typed. The page never learns it. */
  isKept: boolean;
};

export function edited(variables: Variable[]): Edited[] {
  return variables.map((variable, key) => ({ ...variable, key, isKept: variable.secret === true }));
}

/** What is sent. Rows without a name are as if they weren't there. */
export function wanted(rows: Edited[]): Variable[] {
  return rows
    .filter(({ name }) => name.trim() !== "")
    .map(({ name, value, secret, isKept }) => ({
      name: name.trim(),
      value: isKept && !value ? null : (value ?? ""),
      secret,
    }));
}

/** What every process is given by Stoa, and by that name by the instance's variables instead, which come last. */
const GIVEN = ["PATH", "HOME", "TMPDIR", "LANG", "PYTHONUNBUFFERED"];

/** What a variable does to what Stoa gives, in a sentence; undefined where it takes nothing's place. */
export function replaced(typed: string): string | undefined {
  const name = typed.trim();
  if (GIVEN.includes(name)) return `Takes the place of the ${name} that Stoa gives.`;
  // Whether there is a database is for the release to say, which a next one may say otherwise.
  if (name === "DATABASE_URL") return `Takes the place of the ${name} that Stoa gives where there is a database.`;
  return undefined;
}

export function VariableRows({ rows, onChange }: { rows: Edited[]; onChange: (rows: Edited[]) => void }) {
  const change = (key: number, changed: Partial<Edited>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...changed } : row)));
  return rows.map((row) => (
    <div key={row.key} className={css.variable}>
      <TextInput
        aria-label="Name of the variable"
        placeholder="NAME"
        value={row.name}
        onChange={(event) => change(row.key, { name: event.currentTarget.value })}
        spellCheck={false}
        autoComplete="off"
        className={css.code ?? ""}
      />
      <TextInput
        aria-label={`Value of ${row.name || "the new variable"}`}
        placeholder={row.isKept ? "Set; type to replace it" : "value"}
        type={row.secret ? "password" : "text"}
        value={row.value ?? ""}
        onChange={(event) => change(row.key, { value: event.currentTarget.value })}
        spellCheck={false}
        autoComplete="new-password"
        className={css.code ?? ""}
      />
      <Checkbox
        label="Secret"
        checked={row.secret}
        disabled={row.isKept}
        title={row.isKept ? "A secret stays one. Remove it and add it anew." : undefined}
        onChange={(event) => change(row.key, { secret: event.currentTarget.checked })}
      />
      <ActionIcon
        aria-label={`Remove ${row.name || "the new variable"}`}
        onClick={() => onChange(rows.filter(({ key }) => key !== row.key))}
      >
        <IconTrash size={16} stroke={1.75} />
      </ActionIcon>
      {replaced(row.name) && (
        <div role="status" className={css.replaced}>
          <IconAlertTriangleFilled size={14} aria-hidden />
          <span>{replaced(row.name)}</span>
        </div>
      )}
    </div>
  ));
}

export function AddVariable({ rows, onChange }: { rows: Edited[]; onChange: (rows: Edited[]) => void }) {
  const key = rows.reduce((most, row) => Math.max(most, row.key), -1) + 1;
  return (
    <Button
      variant="subtle"
      leftSection={<IconPlus size={16} stroke={1.75} />}
      onClick={() => onChange([...rows, { key, name: "", value: "", secret: false, isKept: false }])}
    >
      Add a variable
    </Button>
  );
}
