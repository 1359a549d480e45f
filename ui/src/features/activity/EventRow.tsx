import { Button } from "@mantine/core";
import { IconBuildingBank, IconChevronDown } from "@tabler/icons-react";
import { Fragment, useId } from "react";
import type { AuditEvent } from "@/api/nouns";
import { Chip, PersonAvatar, Time } from "@/kit";
import css from "./activity.module.css";
import { pieces, rowsOf } from "./words";

const WAYS: Record<string, string> = {
  page: "the page",
  api: "the API",
  git: "git",
  command: "the command line",
  agent: "an agent",
  system: "Stoa itself",
};
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

type Props = {
  event: AuditEvent;
  isOpen: boolean;
  onToggle: () => void;
  /** Narrows the list to a person or a thing; only for whoever sees everybody's events. */
  onOnly?: ((filter: { actor?: string; resource?: string }) => void) | undefined;
};

/** One event: a sentence, and all that is known of it when it is opened. */
export function EventRow({ event, isOpen, onToggle, onOnly }: Props) {
  const id = useId();
  return (
    <li className={css.event}>
      <button type="button" className={css.line} aria-expanded={isOpen} aria-controls={id} onClick={onToggle}>
        {event.actor === null ? (
          // What Stoa does of itself no person has done.
          <span className={css.stoa} aria-hidden>
            <IconBuildingBank size={17} stroke={1.75} />
          </span>
        ) : (
          <PersonAvatar name={event.actor_name} />
        )}
        <span className={css.what}>
          <strong>{event.actor_name}</strong>{" "}
          {pieces(event).map(({ text, isName }, at) => {
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one sentence never move
            return isName ? <strong key={at}>{text}</strong> : <span key={at}>{text}</span>;
          })}
          {event.repeated > 1 && <span className={css.small}>, {event.repeated} times</span>}
        </span>
        <span className={css.when}>
          {event.outcome !== "done" && (
            <Chip tone={event.outcome === "refused" ? "warn" : "bad"}>
              {event.outcome === "refused" ? "Refused" : "Failed"}
            </Chip>
          )}
          <Time at={event.at} />
        </span>
        <IconChevronDown size={16} stroke={1.75} aria-hidden className={css.chevron} />
      </button>
      <div id={id} hidden={!isOpen}>
        {isOpen && <Details event={event} onOnly={onOnly} />}
      </div>
    </li>
  );
}

function Details({ event, onOnly }: Pick<Props, "event" | "onOnly">) {
  const rows = rowsOf(event.detail);
  const isCompared = rows.some(({ before }) => before !== undefined);
  const { actor, resource_id: resource } = event;
  return (
    <div className={css.details}>
      {isCompared && (
        <table className={css.change}>
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">What</span>
              </th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, before, after }, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of one event never move, and two may have one name
              <tr key={at}>
                <th scope="row">{name}</th>
                <td>{before ?? ""}</td>
                <td>{after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <dl className={css.facts}>
        {!isCompared &&
          rows.map(({ name, after }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <Fragment key={at}>
              <dt>{name}</dt>
              <dd>{after}</dd>
            </Fragment>
          ))}
        <dt>When</dt>
        <dd>{exact.format(Date.parse(event.at))}</dd>
        <dt>By way of</dt>
        <dd>
          {WAYS[event.via] ?? event.via}
          {event.address && `, from ${event.address}`}
        </dd>
        {event.resource_name && (
          <>
            <dt>About</dt>
            <dd>{event.resource_name}</dd>
          </>
        )}
        {event.second_name && (
          <>
            <dt>With</dt>
            <dd>{event.second_name}</dd>
          </>
        )}
        <dt>Operation</dt>
        <dd>
          <code>{event.action}</code>
        </dd>
        {event.seq !== undefined && event.hash && (
          <>
            <dt>Record</dt>
            <dd>
              {event.seq}, <code>{event.hash}</code>
            </dd>
            <dt>Before it</dt>
            <dd>
              <code>{event.previous_hash}</code>
            </dd>
          </>
        )}
      </dl>
      {onOnly && (actor || resource) && (
        <div className={css.only}>
          {actor && (
            <Button data-size="xs" onClick={() => onOnly({ actor })}>
              Only by {event.actor_name}
            </Button>
          )}
          {resource && (
            <Button data-size="xs" onClick={() => onOnly({ resource })}>
              Only about {event.resource_name ?? "this"}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
