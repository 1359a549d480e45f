import { IconAlertTriangle, IconGitMerge, IconInfoCircle } from "@tabler/icons-react";
import { useWorkspace } from "@/frame/useWorkspace";
import { Chip, Empty, Failed, LoadingRows, PageTitle, Panel, Section, Table } from "@/kit";
import { AiForm } from "./AiForm";
import css from "./ai.module.css";
import { Leaves } from "./Leaves";
import { useAi, useUsage } from "./queries";

/** Whose models the workspace asks, and what leaves for them. */
export function AiPage() {
  const workspace = useWorkspace();
  const ai = useAi(workspace.slug);
  if (ai.isLoadingError) return <Failed error={ai.error} retry={() => void ai.refetch()} home={workspace.slug} />;
  if (!ai.data) return <LoadingRows rows={5} />;
  return (
    <>
      <PageTitle
        title="AI"
        sentence="A provider of your choice explains failures and describes merges. It never acts by itself."
      />
      <div className={css.columns}>
        <div>
          <AiForm key={workspace.id} workspace={workspace.slug} saved={ai.data} />
          <Leaves workspace={workspace.slug} />
          <Usage workspace={workspace.slug} />
        </div>
        <UsedFor />
      </div>
    </>
  );
}

function UsedFor() {
  return (
    <section className={css.usedFor} aria-labelledby="used-for">
      <h2 id="used-for">What it is used for</h2>
      <Panel>
        <div className={css.use}>
          <IconAlertTriangle size={16} stroke={1.75} aria-hidden />
          <div>
            <div className={css.useHead}>
              <h3>Explain</h3>
              <Chip>Logs</Chip>
            </div>
            <p>A failed deployment or a stretch of log: what happened, the lines that show it, what to try.</p>
          </div>
        </div>
        <div className={css.use}>
          <IconGitMerge size={16} stroke={1.75} aria-hidden />
          <div>
            <div className={css.useHead}>
              <h3>Describe a merge</h3>
              <Chip>Merge branches</Chip>
            </div>
            <p>Before a branch is merged: what it changes, file by file, and what to look at.</p>
          </div>
        </div>
      </Panel>
      <p className={css.aside}>
        <IconInfoCircle size={15} stroke={1.75} aria-hidden />
        <span>
          Members use each where they have its permission. Without a provider it isn't shown to them. What AI proposes
          is never carried out by itself.
        </span>
      </p>
    </section>
  );
}

const count = (number: number) => number.toLocaleString("en");

/** What members asked for, and what it has cost. */
function Usage({ workspace }: { workspace: string }) {
  const usage = useUsage(workspace);
  return (
    <Section title="Usage in the last 30 days">
      {usage.error ? (
        <Failed error={usage.error} retry={() => void usage.refetch()} inline />
      ) : !usage.data ? (
        <LoadingRows rows={2} />
      ) : usage.data.members.length === 0 ? (
        <Panel>
          <Empty title="Nothing was asked yet" inline>
            Who asks, and how many tokens the provider counts for it, stands here.
          </Empty>
        </Panel>
      ) : (
        <Panel>
          <Table label="Usage by member" head={["Member", "Requests", "Tokens sent", "Tokens received"]}>
            {usage.data.members.map(({ id, name, requests, usage }) => (
              <tr key={id}>
                <td>{name}</td>
                <td data-label="Requests" className="numbers">
                  {count(requests)}
                </td>
                <td data-label="Tokens sent" className="numbers">
                  {count(usage.input_tokens)}
                </td>
                <td data-label="Tokens received" className="numbers">
                  {count(usage.output_tokens)}
                </td>
              </tr>
            ))}
          </Table>
        </Panel>
      )}
    </Section>
  );
}
