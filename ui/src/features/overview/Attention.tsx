import { Button } from "@mantine/core";
import { IconCircleCheckFilled } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Instance, Server } from "@/api/nouns";
import { loadOf } from "@/features/servers";
import { Go, Panel, Row, Said, Section, StatusIcon } from "@/kit";
import css from "./overview.module.css";

type Trouble = {
  key: string;
  status: "failed" | "attention";
  name: string;
  to: string;
  sentence: string;
  effect: string | null;
  next: { word: string; to: string } | null;
};

function ofInstance(slug: string, instance: Instance): Trouble[] {
  const { id, name, status, reason, may } = instance;
  // What it says of before holds until what is under way with it has ended.
  if (status === "deploying" || status === "deleting") return [];
  if (status !== "failed" && !reason) return [];
  const to = `/${slug}/instances/${instance.slug}`;
  return [
    {
      key: id,
      status: status === "failed" ? "failed" : "attention",
      name,
      to,
      sentence: reason ?? "It failed.",
      effect: status === "running" ? "The previous release keeps running." : null,
      next: may.includes("read_logs") ? { word: "Open log", to: `${to}/deployments` } : { word: "Open", to },
    },
  ];
}

function ofServer(slug: string, server: Server): Trouble[] {
  const { machine } = server;
  const full = machine && loadOf(machine).find(({ isMuch }) => isMuch);
  const sentence = machine
    ? (machine.no_sandbox ?? machine.no_outgoing ?? (full && `${full.name} is ${Math.round(full.share)} % full.`))
    : "It doesn't answer.";
  if (!sentence) return [];
  const to = `/${slug}/servers/${server.slug}`;
  return [
    {
      key: server.id,
      status: "attention",
      name: server.name,
      to,
      sentence,
      effect: machine?.no_sandbox ? "No instance can run there." : null,
      next: { word: "Open server", to },
    },
  ];
}

export function troubles(slug: string, instances: Instance[], servers: Server[]): Trouble[] {
  const all = [
    ...instances.flatMap((instance) => ofInstance(slug, instance)),
    ...servers.flatMap((server) => ofServer(slug, server)),
  ];
  return all.sort((one, other) => Number(other.status === "failed") - Number(one.status === "failed"));
}

const FEW = 6;

/** What needs somebody, each with its sentence and what next; one small line where nothing does. */
export function Attention(props: { slug: string; instances: Instance[]; servers: Server[] }) {
  const found = troubles(props.slug, props.instances, props.servers);
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? found : found.slice(0, FEW);
  return (
    <Section title="Needs attention" {...(found.length > 0 && { count: found.length })}>
      <Panel>
        {found.length === 0 && (
          <Row>
            <IconCircleCheckFilled size={16} style={{ color: "var(--good)" }} aria-hidden />
            <span className={css.calm}>Nothing at the moment.</span>
          </Row>
        )}
        {shown.map(({ key, status, name, to, sentence, effect, next }) => (
          <Row key={key} className={css.trouble ?? ""}>
            <StatusIcon status={status} />
            <div className={css.words}>
              <Go to={to}>{name}</Go>
              <div>
                <Said text={sentence} />
              </div>
              {effect && <div className={css.quiet}>{effect}</div>}
            </div>
            {next && (
              <Button component={Link} to={next.to}>
                {next.word}
              </Button>
            )}
          </Row>
        ))}
        {shown.length < found.length && (
          <Row>
            <Button variant="subtle" onClick={() => setWhole(true)}>
              Show all {found.length}
            </Button>
          </Row>
        )}
      </Panel>
    </Section>
  );
}
