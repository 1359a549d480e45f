import { SegmentedControl, Select } from "@mantine/core";
import { IconActivity } from "@tabler/icons-react";
import { useState } from "react";
import type { AuditEvent } from "@/api/nouns";
import { useAudit } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Chip, Empty, Failed, LoadingRows, More, PageTitle, Panel, PersonAvatar, Time } from "@/kit";
import css from "./activity.module.css";
import { did, FILTERS, wasRefused } from "./words";

/** Who did what to what: an owner sees all of it, everybody what they did themselves. */
export function ActivityPage() {
  const workspace = useWorkspace();
  const isOwner = workspace.may.includes("manage");
  const [whose, setWhose] = useState<"all" | "mine">(isOwner ? "all" : "mine");
  const [action, setAction] = useState<string | null>(null);
  const isMine = !isOwner || whose === "mine";
  const events = useAudit(workspace.slug, isMine, action ? { action } : {});
  return (
    <>
      <PageTitle
        title="Activity"
        sentence={isOwner ? "Who did what to what, and what was refused." : "What you did in this workspace."}
      />
      <div className={css.tools}>
        {isOwner && (
          <SegmentedControl
            aria-label="Whose"
            value={whose}
            onChange={(value) => setWhose(value as typeof whose)}
            data={[
              { value: "all", label: "Everybody's" },
              { value: "mine", label: "Mine" },
            ]}
          />
        )}
        <Select
          aria-label="What was done"
          placeholder="Everything"
          data={FILTERS}
          value={action}
          onChange={setAction}
          searchable
          clearable
          w={240}
        />
      </div>
      {events.error ? (
        <Failed error={events.error} retry={() => void events.refetch()} inline />
      ) : !events.items ? (
        <LoadingRows rows={8} />
      ) : (
        <Panel>
          {events.items.length === 0 && (
            <Empty icon={IconActivity} title="Nothing yet" inline>
              {action ? "Nobody did this yet. Choose something else." : "What is done here is written down here."}
            </Empty>
          )}
          {events.items.map((event) => (
            <Event key={event.id} event={event} />
          ))}
          <More {...events} />
        </Panel>
      )}
    </>
  );
}

function Event({ event }: { event: AuditEvent }) {
  const refused = wasRefused(event);
  const via = event.via === "page" ? "" : event.via.replaceAll("_", " ");
  return (
    <div className={css.event}>
      <PersonAvatar name={event.actor_name} />
      <div className={css.what}>
        <div>
          <strong>{event.actor_name}</strong>{" "}
          {event.outcome === "refused" ? "was refused: " : event.outcome === "failed" ? "failed: " : ""}
          {did(event.action)} {event.resource_name && <strong>{event.resource_name}</strong>}
          {event.second_name && (
            <>
              {" "}
              as <strong>{event.second_name}</strong>
            </>
          )}{" "}
          {refused && <Chip tone="bad">{event.outcome === "refused" ? "Refused" : "Failed"}</Chip>}
        </div>
        <div className={css.small}>
          {[via && `by ${via}`, event.address, event.repeated > 1 && `${event.repeated} times`]
            .filter(Boolean)
            .join(" · ")}
        </div>
      </div>
      <div className={css.when}>
        <Time at={event.at} />
      </div>
    </div>
  );
}
