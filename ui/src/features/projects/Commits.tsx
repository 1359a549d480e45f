import { Select } from "@mantine/core";
import { Link, useSearch } from "@tanstack/react-router";
import type { Project } from "@/api/nouns";
import { useBranches, useCommits } from "@/api/queries";
import { Empty, Failed, LoadingRows, More, Note, Panel, Person, ShortCommit, Table, Time, useFilters } from "@/kit";
import { CommitView } from "./CommitView";
import { HowToPush } from "./HowToPush";
import css from "./projects.module.css";

export function Commits({ workspace, project }: { workspace: string; project: Project }) {
  const branches = useBranches(workspace, project.id);
  const there = branches.data?.filter(({ commit }) => commit).map(({ name }) => name);
  const { filters, change } = useFilters(["branch"]);
  // The default one may be gone: then it is another that is shown first. So may the one that a link leads to.
  const isGone = there !== undefined && !there.includes(project.default_branch);
  const isLost = filters.branch !== "" && there !== undefined && !there.includes(filters.branch);
  const chosen = isLost ? "" : filters.branch;
  const branch = (chosen || undefined) ?? (isGone ? there[0] : undefined) ?? project.default_branch;
  const isKnown = there !== undefined || branches.error !== null;
  const commits = useCommits(workspace, project.id, branch, project.repository.has_commits && isKnown);
  const { commit: opened } = useSearch({ strict: false }) as { commit?: string };
  if (opened) return <CommitView key={opened} workspace={workspace} project={project} commit={opened} />;
  if (!project.repository.has_commits)
    return (
      <Panel padded>
        <Empty title="Nothing was pushed yet" inline>
          In the folder of your application:
        </Empty>
        <HowToPush project={project} />
      </Panel>
    );
  return (
    <div style={{ display: "grid", gap: 14 }}>
      <Select
        aria-label="Branch"
        w={260}
        searchable
        data={there ?? []}
        value={branch}
        onChange={(value) => change({ branch: value ?? "" })}
      />
      {isLost && (
        <Note tone="warn">
          There is no branch {filters.branch} any more. These are the commits of {branch}.
        </Note>
      )}
      {isGone && (
        <Note tone="warn">
          {project.default_branch}, the default branch, is gone. Push it again, or choose another one in the project's
          settings.
        </Note>
      )}
      {commits.error ? (
        <Failed error={commits.error} inline />
      ) : !commits.items ? (
        <LoadingRows />
      ) : (
        <Panel>
          <Table label="Commits" head={["Commit", "", "Author", "When"]}>
            {commits.items.map((commit) => (
              <tr key={commit.id}>
                <td>
                  <ShortCommit commit={commit.id} />
                </td>
                <td className={css.wide}>
                  <Link to="." search={{ ...(chosen && { branch: chosen }), commit: commit.id } as never}>
                    {commit.subject || "No message"}
                  </Link>
                </td>
                <td data-label="Author">
                  <Person name={commit.author_name} />
                </td>
                <td data-label="When">
                  <Time at={commit.at} />
                </td>
              </tr>
            ))}
          </Table>
          <More {...commits} />
        </Panel>
      )}
    </div>
  );
}
