import { Link } from "@tanstack/react-router";
import type { Project } from "@/api/nouns";
import { useIsUnproved } from "@/features/session/useWays";
import { useWorkspace } from "@/frame/useWorkspace";
import { CodeToCopy } from "@/kit";

/** The exact commands for this repository. */
export function HowToPush({ project }: { project: Project }) {
  const { slug } = useWorkspace();
  const isUnproved = useIsUnproved();
  const remote = `git remote add stoa ${project.repository.url}`;
  const push = `git push stoa HEAD:${project.default_branch}`;
  return (
    <div style={{ display: "grid", gap: 10, gridTemplateColumns: "minmax(0, 1fr)" }}>
      {project.repository.has_commits && (
        <CodeToCopy text={`git clone ${project.repository.url}`} label="Copy the command" />
      )}
      <CodeToCopy text={`${remote}\n${push}`} label="Copy the commands" />
      <span style={{ color: "var(--text3)", fontSize: 12 }}>
        Git asks for a name (anything) and a password: a{" "}
        <Link
          to="/$workspace/settings/{-$page}"
          params={{ workspace: slug, page: "tokens" }}
          style={{ textDecoration: "underline" }}
        >
          personal access token
        </Link>
        . {isUnproved && "Confirm your e-mail address first: confirming it later deletes the tokens made before."}
      </span>
    </div>
  );
}
