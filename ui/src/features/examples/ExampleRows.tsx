import { Button } from "@mantine/core";
import {
  IconAlertTriangleFilled,
  IconBasket,
  IconBook2,
  IconCheck,
  IconCircleDashed,
  IconExternalLink,
  IconFileText,
  IconNotes,
  IconRocket,
} from "@tabler/icons-react";
import type { Example } from "@/api/generated";
import type { Instance, Server } from "@/api/nouns";
import { useAllInstances } from "@/api/queries";
import { Failed, Go, LoadingRows, Note, reasonAgainst, StatusBadge } from "@/kit";
import css from "./examples.module.css";
import { foremost } from "./foremost";
import { type ExampleKey, isNamedAs, useDeployExample, useExamples } from "./useExamples";

const ICONS: Record<ExampleKey, typeof IconBook2> = {
  guestbook: IconBook2,
  shop: IconBasket,
  notes: IconNotes,
  site: IconFileText,
};

type Props = {
  workspace: string;
  /** Where they are deployed; without one, this machine becomes one with the first. */
  server?: Server | undefined;
  /** Called when one is on its way. */
  onDone?: () => void;
};

/** Applications that come along, each with what it needs of the server, and put online by one click. */
export function ExampleRows({ workspace, server, onDone }: Props) {
  const examples = useExamples(workspace);
  const instances = useAllInstances(workspace);
  const deploy = useDeployExample(workspace, onDone);
  const first = examples.data?.find((example) => !reasonAgainst(example, "deploy"))?.key;
  if (examples.error) return <Failed error={examples.error} home={workspace} />;
  if (!examples.data) return <LoadingRows rows={4} />;
  // What stands in the way of all is said once.
  const reasons = new Set(examples.data.map((example) => reasonAgainst(example, "deploy")?.detail));
  const [common] = reasons.size === 1 ? reasons : [];
  return (
    <div className={css.stack}>
      {common && <Note tone="warn">{common}</Note>}
      <ul className={css.list} aria-label="Examples">
        {examples.data.map((example) => (
          <Row
            key={example.key}
            workspace={workspace}
            example={example}
            isFirst={example.key === first}
            isSaid={Boolean(common)}
            instance={foremost(instances.data?.filter(({ project }) => isNamedAs(example.key, project.slug)))}
            isBusy={deploy.isPending}
            isMine={deploy.variables?.example === example.key}
            problem={deploy.error?.detail}
            onDeploy={() => deploy.mutate({ example: example.key, ...(server && { server: server.id }) })}
          />
        ))}
      </ul>
      {examples.data.some(({ needs }) => needs.some(({ is_there }) => !is_there)) && (
        <div className={css.again}>
          What is installed meanwhile is seen at the next look.
          <Button loading={examples.isFetching} onClick={() => void examples.refetch()}>
            Look again
          </Button>
        </div>
      )}
    </div>
  );
}

type RowProps = {
  workspace: string;
  example: Example;
  isFirst: boolean;
  isSaid: boolean;
  instance: Instance | undefined;
  isBusy: boolean;
  isMine: boolean;
  problem: string | undefined;
  onDeploy: () => void;
};

function Row({ workspace, example, isFirst, isSaid, instance, isBusy, isMine, problem, onDeploy }: RowProps) {
  const against = reasonAgainst(example, "deploy");
  const Icon = ICONS[example.key];
  const why = `why-${example.key}`;
  const missing = example.needs.flatMap(({ missing }) => missing ?? []);
  // What a need lacks is said as its own; whatever else stands in the way is said as it is.
  const sentences = missing.length > 0 ? missing : against && !isSaid ? [against.detail] : [];
  const isOff = Boolean(against);
  return (
    <li className={css.row}>
      <span className={css.tile}>
        <Icon size={18} stroke={1.75} aria-hidden />
      </span>
      <div className={css.words}>
        <h3>
          {example.name} <span>{example.made_of}</span>
        </h3>
        <p>{example.about}</p>
        <ul className={css.needs} aria-label={`What ${example.name} needs on the server`}>
          {example.needs.length === 0 && (
            <li className={css.there}>
              <IconCheck size={14} stroke={2.25} aria-hidden />
              Needs nothing there
            </li>
          )}
          {example.needs.map((need) => (
            <Need key={need.name} name={need.name} isThere={need.is_there ?? null} />
          ))}
        </ul>
        {sentences.length > 0 && (
          <ul className={css.missing} id={why}>
            {sentences.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        )}
        {instance && (
          <div className={css.instance}>
            <StatusBadge status={instance.status} />
            <Go to={`/${workspace}/instances/${instance.slug}`}>{instance.name}</Go>
            {instance.status === "running" && instance.url && (
              <a href={instance.url} target="_blank" rel="noreferrer">
                <IconExternalLink size={14} stroke={1.75} aria-hidden />
                Open it
              </a>
            )}
          </div>
        )}
        {isMine && problem && (
          <div className={css.problem}>
            <Note tone="bad">{problem}</Note>
          </div>
        )}
      </div>
      <Button
        className={css.act ?? ""}
        variant={isFirst && !instance ? "filled" : "default"}
        leftSection={<IconRocket size={15} stroke={1.75} aria-hidden />}
        loading={isBusy && isMine}
        aria-label={`${instance ? "Deploy another" : "Deploy"} ${example.name}`}
        aria-disabled={isOff ? true : undefined}
        data-disabled={isOff ? true : undefined}
        aria-describedby={sentences.length > 0 ? why : undefined}
        title={against?.detail}
        onClick={() => !isOff && !isBusy && onDeploy()}
      >
        {instance ? "Another" : "Deploy"}
      </Button>
    </li>
  );
}

/** Told by icon and word, never by colour alone. */
function Need({ name, isThere }: { name: string; isThere: boolean | null }) {
  if (isThere)
    return (
      <li className={css.there}>
        <IconCheck size={14} stroke={2.25} aria-hidden />
        {name}
        <span className="visually-hidden">, which is there</span>
      </li>
    );
  if (isThere === null)
    return (
      <li>
        <IconCircleDashed size={14} stroke={1.75} aria-hidden />
        {name}: the server can't be asked now
      </li>
    );
  return (
    <li className={css.lacking}>
      <IconAlertTriangleFilled size={14} aria-hidden />
      {name}
      <span className="visually-hidden">, which isn't there</span>
    </li>
  );
}
