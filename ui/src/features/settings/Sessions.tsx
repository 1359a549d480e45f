import { Button } from "@mantine/core";
import { IconDeviceDesktop, IconDeviceMobile } from "@tabler/icons-react";
import { useSessions } from "@/api/accountQueries";
import { endSession } from "@/api/generated";
import type { Session } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { Chip, Failed, LoadingRows, More, Note, PageTitle, Panel, Time } from "@/kit";
import { browserOf } from "./browser";
import css from "./settings.module.css";
import { GIVEN_UP, useConfirmed } from "./useConfirmed";

export function Sessions() {
  const sessions = useSessions();
  const { confirmed, dialog } = useConfirmed();
  const end = useMutation<unknown, Problem, Session>({
    mutationFn: ({ id }) => confirmed(() => endSession(id)),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [...ME, "sessions"] }),
  });
  return (
    <>
      <PageTitle title="Sessions" sentence="Where you are signed in. What you end is signed out at once." />
      {sessions.error ? (
        <Failed error={sessions.error} retry={() => void sessions.refetch()} inline />
      ) : !sessions.items ? (
        <LoadingRows rows={2} height={60} />
      ) : (
        <Panel>
          {sessions.items.map((session) => {
            const isPhone = /mobile|android|iphone/i.test(session.user_agent);
            const Icon = isPhone ? IconDeviceMobile : IconDeviceDesktop;
            return (
              <div key={session.id} className={css.line}>
                <Icon size={20} stroke={1.75} aria-hidden />
                <div className={css.grow}>
                  <div className={css.strong} title={session.user_agent}>
                    {browserOf(session.user_agent)} {session.is_current && <Chip tone="good">This one</Chip>}
                  </div>
                  <div className={css.small}>
                    {session.address}, last seen <Time at={session.last_seen_at} />, signed in{" "}
                    <Time at={session.created_at} />
                  </div>
                </div>
                {!session.is_current && (
                  <Button
                    loading={end.isPending && end.variables?.id === session.id}
                    onClick={() => end.mutate(session)}
                  >
                    End
                  </Button>
                )}
              </div>
            );
          })}
          <More {...sessions} />
        </Panel>
      )}
      {end.error && end.error.code !== GIVEN_UP && (
        <div style={{ marginTop: 12 }}>
          <Note tone="bad">{end.error.detail}</Note>
        </div>
      )}
      {dialog}
    </>
  );
}
