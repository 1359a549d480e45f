import { IconAlertTriangle } from "@tabler/icons-react";
import type { Permissions, Summary } from "@/api/nouns";
import { Chip } from "@/kit";
import { hasNone, MayDo, On } from "./MemberTable";
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
  const seesNone = [projects, instances, servers].every((list) => list?.length === 0);
  if (hasNone(summary))
    return (
      <section className={css.own} aria-label="What you may do">
        <Chip tone="warn">
          <IconAlertTriangle size={13} stroke={1.75} aria-hidden />
          You have no access yet
        </Chip>
        <span className={css.dim}>An owner chooses what you may see and do.</span>
      </section>
    );
  return (
    <section className={css.own} aria-label="What you may do">
      <span className={css.dim}>You may do</span>
      <MayDo summary={summary} />
      {!seesNone && (
        <span className={css.dim}>
          on <On summary={summary} />
        </span>
      )}
    </section>
  );
}
