import { IconLoader2 } from "@tabler/icons-react";
import type { RemoteState as State } from "@/api/generated";
import { Note, Time } from "@/kit";
import css from "./remote.module.css";

/** How it stands with a remote repository: when it was fetched, or what keeps it from being fetched. */
export function RemoteState({ remote }: { remote: State }) {
  const { problem } = remote;
  return (
    <div className={css.state} role="status">
      {remote.status === "fetching" ? (
        <span className={css.line}>
          <IconLoader2 size={15} className="turning" aria-hidden /> Being fetched
        </span>
      ) : remote.fetched_at ? (
        <span className={css.line}>
          Fetched <Time at={remote.fetched_at} />
        </span>
      ) : (
        !problem && <span className={css.line}>Not fetched yet</span>
      )}
      {problem && (
        <Note tone="bad">
          {problem.detail}
          {problem.since && (
            <>
              {" "}
              It began <Time at={problem.since} />.
            </>
          )}
          {problem.said && <code className={css.said}>{problem.said}</code>}
        </Note>
      )}
      {remote.passed_over > 0 && (
        <span className={css.line}>
          {remote.passed_over === 1 ? "One name" : `${remote.passed_over} names`} there can't be a branch's or a tag's
          here, and {remote.passed_over === 1 ? "is" : "are"} passed over.
        </span>
      )}
    </div>
  );
}
