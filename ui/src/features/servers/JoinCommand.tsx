import { Button } from "@mantine/core";
import { IconCircleCheckFilled, IconLoader2 } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { type Join, renewJoin } from "@/api/generated";
import type { Server } from "@/api/nouns";
import { useAct, useServer } from "@/api/queries";
import { CodeToCopy, duration, Note } from "@/kit";
import css from "./servers.module.css";

/** Milliseconds until then, told anew each second; never below none. */
function useLeft(until: string | undefined): number {
  const [now, setNow] = useState(Date.now);
  const left = until ? Math.max(0, Date.parse(until) - now) : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each telling sets the clock for the next
  useEffect(() => {
    if (left === 0) return;
    const timer = setTimeout(() => setNow(Date.now()), 1000);
    return () => clearTimeout(timer);
  }, [now, until]);
  return left;
}

type Props = { workspace: string; server: Pick<Server, "id" | "name">; join?: Join };

/** The command by which a machine joins, while it counts; a wait that sees the machine come; and the command anew. */
export function JoinCommand({ workspace, server, join: first }: Props) {
  const [join, setJoin] = useState(first);
  const seen = useServer(workspace, server.id);
  const left = useLeft(join?.expires_at);
  const renew = useAct<void, { join: Join }>(workspace, {
    act: () => renewJoin(workspace, server.id),
    nouns: [],
    onDone: (answer) => setJoin(answer.join),
  });
  const isHere = seen.data?.status === "ready";
  const counts = join !== undefined && left > 0;
  return (
    <div className={css.join}>
      {counts && !isHere && (
        <>
          <CodeToCopy text={join.command} label="Command" />
          <p className={css.quietly}>
            As root, with the program <code>stoa</code> of this version there. <code>stoa doctor</code> says what that
            machine lacks. Whoever has this command can join instead, until it was used.
          </p>
        </>
      )}
      {join !== undefined && !counts && !isHere && (
        <Note tone="warn">The command is too old by now. Make it anew.</Note>
      )}
      <div className={css.waiting} role="status">
        {isHere ? (
          <>
            <IconCircleCheckFilled size={18} className={css.good} aria-hidden />
            <span>
              {server.name} is connected: {seen.data?.machine?.processors} cores.
            </span>
          </>
        ) : (
          <>
            <IconLoader2 size={18} className="turning" aria-hidden />
            <span>Waiting for the machine.</span>
          </>
        )}
        {counts && !isHere && (
          <span className={`${css.quiet} numbers`} aria-live="off">
            {duration(left)} left
          </span>
        )}
      </div>
      {!isHere && (
        <div>
          <Button size="xs" loading={renew.isPending} onClick={() => renew.mutate()}>
            {join ? "Make the command anew" : "Show the command"}
          </Button>
        </div>
      )}
      {renew.error && <Note tone="bad">{renew.error.detail}</Note>}
    </div>
  );
}
