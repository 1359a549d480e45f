import { IconAlertTriangle, IconCode, IconGitMerge, IconInfoCircle, IconShieldLock } from "@tabler/icons-react";
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
        sentence="A provider of your choice explains failures, describes merges and helps in the IDE. It never acts by itself."
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

const USES = [
  {
    icon: IconAlertTriangle,
    title: "Explain",
    by: "Logs",
    does: "A failed deployment or a stretch of log: what happened, the lines that show it, what to try.",
  },
  {
    icon: IconGitMerge,
    title: "Describe a merge",
    by: "Merge branches",
    does: "What changes and what is risky, before it is merged.",
  },
  {
    icon: IconShieldLock,
    title: "Propose permissions",
    by: "Owners",
    does: "A profile from a sentence, for an owner to review and save.",
  },
  {
    icon: IconCode,
    title: "Assistant in the IDE",
    by: "Web IDE",
    does: "Proposes an edit as a difference to accept or refuse.",
  },
];

function UsedFor() {
  return (
    <section className={css.usedFor} aria-labelledby="used-for">
      <h2 id="used-for">What it is used for</h2>
      <Panel>
        {USES.map(({ icon: Icon, title, by, does }) => (
          <div key={title} className={css.use}>
            <Icon size={16} stroke={1.75} aria-hidden />
            <div>
              <div className={css.useHead}>
                <h3>{title}</h3>
                <Chip>{by}</Chip>
              </div>
              <p>{does}</p>
            </div>
          </div>
        ))}
      </Panel>
      <p className={css.aside}>
        <IconInfoCircle size={15} stroke={1.75} aria-hidden />
        <span>
          Without a provider none of this is shown to members. What AI proposes is never carried out by itself.
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
