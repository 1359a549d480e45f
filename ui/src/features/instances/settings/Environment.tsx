import { Note } from "@/kit";
import { AddVariable, type Edited, edited, VariableRows, wanted } from "../Variables";
import { type Here, SettingForm } from "./SettingForm";
import css from "./settings.module.css";

export function Environment({ here }: { here: Here }) {
  return (
    <SettingForm<{ rows: Edited[] }>
      id="environment"
      title="Environment"
      sentence="Variables that every process of the application is given. A secret one can be set, and is never shown again."
      what="the variables"
      here={here}
      draftOf={({ environment }) => ({ rows: edited(environment) })}
      fields={({ rows }) =>
        Object.fromEntries(wanted(rows).map(({ name, value, secret }) => [`\`${name}\``, [value, secret]]))
      }
      bodyOf={({ rows }) => ({ environment: wanted(rows) })}
      foot={({ draft, set }) => <AddVariable rows={draft.rows} onChange={(rows) => set({ rows })} />}
    >
      {({ draft, set, problem }) => (
        <>
          {draft.rows.length === 0 && (
            <span className={css.quiet}>No variables. The application gets those that Stoa sets, and no others.</span>
          )}
          <VariableRows rows={draft.rows} onChange={(rows) => set({ rows })} />
          {problem && problem.errors.length > 0 && (
            <Note tone="bad">{problem.errors.map(({ detail }) => detail).join(" ")}</Note>
          )}
        </>
      )}
    </SettingForm>
  );
}
