import { IconGitFork } from "@tabler/icons-react";
import type { RemoteState } from "@/api/generated";
import type { Project } from "@/api/nouns";
import { Time } from "@/kit";
import { hostOf } from "./address";

/** Where a project's repository is. */
export function Whence({ project, marked }: { project: Project; marked?: boolean }) {
  const { remote } = project.repository;
  return (
    <>
      {marked && <IconGitFork size={15} stroke={1.75} aria-hidden />}{" "}
      {remote ? <Fact remote={remote} /> : "Hosted by Stoa"}
    </>
  );
}

/** And how it stands with it. */
function Fact({ remote }: { remote: RemoteState }) {
  const since = remote.problem?.since;
  return (
    <span title={remote.problem ? `${remote.problem.detail} ${remote.problem.said}` : remote.url}>
      {hostOf(remote.url)}
      {remote.problem ? (
        <span style={{ color: "var(--bad)" }}>
          , {WORDS[remote.problem.code]}
          {since && (
            <>
              {" "}
              (<Time at={since} />)
            </>
          )}
        </span>
      ) : remote.status === "fetching" ? (
        ", being fetched"
      ) : remote.fetched_at ? (
        <>
          , fetched <Time at={remote.fetched_at} />
        </>
      ) : (
        ", not fetched yet"
      )}
    </span>
  );
}

/** Each before the time when it began. */
const WORDS: Record<NonNullable<RemoteState["problem"]>["code"], string> = {
  away: "away",
  timed_out: "hangs",
  refused: "refused the credential",
  no_repository: "not found",
  host_key_changed: "host key changed",
  too_large: "too big",
  not_allowed: "address not allowed",
  moved: "moved",
  damaged: "damaged",
  no_program: "no ssh",
  no_space: "no space left",
};
