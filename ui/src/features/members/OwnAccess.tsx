import type { Permissions, Summary } from "@/api/nouns";
import { MayDo, On } from "./MemberTable";
import css from "./members.module.css";

/** What a plain member may do: of nobody else are they told. */
export function OwnAccess({ permissions }: { permissions: Permissions }) {
  const { actions, projects, instances, servers } = permissions;
  const summary: Summary = {
    actions,
    projects: projects?.length ?? null,
    instances: instances?.length ?? null,
    servers: servers?.length ?? null,
    preset: null,
    ends: null,
  };
  const hasNone = [projects, instances, servers].every((list) => list?.length === 0);
  return (
    <section className={css.own} aria-label="What you may do">
      <span className={css.dim}>You may do</span>
      <MayDo summary={summary} />
      {!hasNone && (
        <span className={css.dim}>
          on <On summary={summary} />
        </span>
      )}
    </section>
  );
}
