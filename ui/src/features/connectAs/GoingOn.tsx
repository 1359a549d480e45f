import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Page } from "@/api/client";
import { type ConnectSession, endConnectSession, listConnectSessions } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { Cut, Note, Time } from "@/kit";
import css from "./connectAs.module.css";

/** Sessions as users that go on: one's own, to an owner all. Each is ended here. */
export function GoingOn({ workspace, instance }: { workspace: string; instance: Instance }) {
  const sessions = useQuery({
    queryKey: [workspace, "instances", "connected", instance.id],
    queryFn: ({ signal }): Promise<Page<ConnectSession>> => listConnectSessions(workspace, instance.id, { signal }),
    staleTime: 0,
  });
  const end = useAct<string>(workspace, {
    act: (id) => endConnectSession(workspace, instance.id, id),
    nouns: ["instances"],
  });
  const going = sessions.data?.items ?? [];
  if (going.length === 0 && !end.error) return null;
  return (
    <section className={css.going} aria-label="Connected now">
      <h3>Connected now</h3>
      {going.map((one) => (
        <div key={one.id} className={css.session}>
          <div className={css.names}>
            <span className={css.name}>
              <Cut text={one.is_own ? one.user.name : `${one.account}, as ${one.user.name}`} />
            </span>
            <span className={css.login}>
              <Time at={one.opened_at} />
              {" · "}
              <Cut text={one.reason} />
            </span>
          </div>
          <Button
            size="compact-sm"
            aria-label={`End the session as ${one.user.name}`}
            loading={end.isPending && end.variables === one.id}
            onClick={() => end.mutate(one.id)}
          >
            End
          </Button>
        </div>
      ))}
      {end.error && <Note tone="bad">{end.error.detail}</Note>}
    </section>
  );
}
