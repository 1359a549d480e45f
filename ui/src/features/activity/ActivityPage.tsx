import { Button, Menu } from "@mantine/core";
import { IconActivity, IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import type { ListAuditParams } from "@/api/generated";
import { useAudit } from "@/api/memberQueries";
import { type Problem, problemOf } from "@/api/problem";
import { useWorkspace } from "@/frame/useWorkspace";
import { Empty, Failed, LoadingRows, More, Note, PageTitle, Panel, useFilters } from "@/kit";
import css from "./activity.module.css";
import { asked, FILTERS } from "./asked";
import { EventRow } from "./EventRow";
import { exportLog } from "./exportLog";
import { Filters } from "./Filters";

/** Who did what to what: an owner sees all of it, everybody what they did themselves. */
export function ActivityPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const { filters, change, clear } = useFilters(FILTERS);
  const isMine = !isOwner || filters.whose === "mine";
  const { actor, resource, ...own } = asked(filters);
  const query = (isMine ? own : { ...own, ...(actor && { actor }), ...(resource && { resource }) }) as ListAuditParams;
  const events = useAudit(workspace.slug, isMine, query);
  const [open, setOpen] = useState<string | null>(null);
  const isFiltered = Object.keys(query).length > 0;
  return (
    <>
      <PageTitle
        title="Activity"
        sentence={
          isOwner
            ? "The audit log: who did what to what, and what was refused."
            : "The audit log of what you did in this workspace."
        }
        actions={isOwner && !isMine && <Export workspace={workspace.slug} query={query} isFiltered={isFiltered} />}
      />
      <Filters
        filters={filters}
        change={change}
        clear={() => clear("whose")}
        workspace={workspace.slug}
        isOwner={isOwner}
        isMine={isMine}
      />
      {events.error ? (
        <Failed error={events.error} retry={() => void events.refetch()} inline />
      ) : !events.items ? (
        <LoadingRows rows={8} />
      ) : (
        <Panel>
          {events.items.length === 0 && (
            <Empty icon={IconActivity} title={isFiltered ? "Nothing of this kind" : "Nothing yet"} inline>
              {isFiltered
                ? "No event fits. Choose something else, or clear the filters."
                : "What is done here is written down here."}
            </Empty>
          )}
          <ul className={css.events} aria-label="Events, newest first">
            {events.items.map((event) => (
              <EventRow
                key={event.id}
                event={event}
                isOpen={open === event.id}
                onToggle={() => setOpen(open === event.id ? null : event.id)}
                onOnly={isMine ? undefined : change}
              />
            ))}
          </ul>
          <More {...events} />
        </Panel>
      )}
    </>
  );
}

type ExportProps = { workspace: string; query: ListAuditParams; isFiltered: boolean };

/** All of it, which can be verified, or what is shown. */
function Export({ workspace, query, isFiltered }: ExportProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const keep = async (query: ListAuditParams) => {
    setBusy(true);
    setProblem(null);
    await exportLog(workspace, query).catch((failure) => setProblem(problemOf(failure)));
    setBusy(false);
  };
  const button = (
    <Button
      leftSection={<IconDownload size={16} stroke={1.75} />}
      loading={isBusy}
      title="One record in each line, as JSON. Check it anywhere with: stoa audit verify FILE"
      {...(!isFiltered && { onClick: () => void keep({}) })}
    >
      Export
    </Button>
  );
  return (
    <>
      {problem && <Note tone="bad">{problem.detail}</Note>}
      {isFiltered ? (
        <Menu position="bottom-end" width={280}>
          <Menu.Target>{button}</Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void keep({})}>Everything, which can be verified</Menu.Item>
            <Menu.Item onClick={() => void keep(query)}>Only what is shown</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : (
        button
      )}
    </>
  );
}
