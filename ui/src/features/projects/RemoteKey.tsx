import type { Project } from "@/api/nouns";
import { CodeToCopy, Go } from "@/kit";
import { RemoteState } from "./RemoteState";
import { useRemote } from "./remote";
import css from "./remote.module.css";

/** What is to be added where the repository is, and how it stands with it until then. */
export function RemoteKey({ workspace, project }: { workspace: string; project: Project }) {
  const remote = useRemote(workspace, project.id);
  return (
    <div className={css.connect}>
      {remote.data?.public_key && (
        <>
          <p>Stoa made this deploy key. Add it there; reading is enough:</p>
          <CodeToCopy text={remote.data.public_key} label="Copy the key" />
        </>
      )}
      {project.repository.remote && <RemoteState remote={project.repository.remote} />}
      <p>
        <Go to={`/${workspace}/projects/${project.slug}/settings`}>Test it, or change the address</Go>
      </p>
    </div>
  );
}
