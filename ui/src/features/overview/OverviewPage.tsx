import { IconExternalLink } from "@tabler/icons-react";
import type { Instance } from "@/api/nouns";
import { useAllInstances, useAllProjects, useAllServers, useRunningJobs } from "@/api/queries";
import { Steps } from "@/features/firstStart/later";
import { LoadLine } from "@/features/metrics/later";
import { Load, serverState } from "@/features/servers";
import { stateOf } from "@/frame/jobs";
import { listsProjects } from "@/frame/sections";
import { useWorkspace } from "@/frame/useWorkspace";
import {
  Cut,
  EmptyPage,
  Failed,
  Go,
  LoadingPage,
  LoadingRows,
  PageTitle,
  Panel,
  Row,
  Section,
  StageTag,
  StatusBadge,
  StatusIcon,
} from "@/kit";
import { Attention } from "./Attention";
import { LastDeployments } from "./later";
import css from "./overview.module.css";
import { Work } from "./Work";

/** How many of what, in one sentence. */
export function inWords(instances: Instance[]): string {
  const away = instances.filter((instance) => instance.is_server_away).length;
  const known = instances.filter((instance) => !instance.is_server_away);
  const count = (status: Instance["status"]) => known.filter((instance) => instance.status === status).length;
  const running = count("running");
  const rest = [
    [count("deploying"), "deploys", "deploy"],
    [count("failed"), "failed", "failed"],
    [count("stopped"), "is stopped", "are stopped"],
    [away, "isn't reached", "aren't reached"],
  ] as const;
  const parts = rest
    .filter(([number]) => number > 0)
    .map(([number, one, more]) => `${number} ${number === 1 ? one : more}`);
  const whole = `${running} of ${instances.length} ${instances.length === 1 ? "instance runs" : "instances run"}`;
  return `${[whole, ...parts].join(", ")}.`;
}

/** So few are shown one by one: more of them have a page of their own. */
const FEW = 6;

/** What one may see, each with its address. */
function Yours({ slug, instances }: { slug: string; instances: Instance[] }) {
  return (
    <Section title="Instances">
      <Panel>
        {instances.map((instance) => (
          <Row key={instance.id} className={css.yours ?? ""}>
            <StatusBadge {...stateOf(instance)} />
            <Go to={`/${slug}/instances/${instance.slug}`} className={css.name ?? ""}>
              {instance.name}
            </Go>
            <StageTag stage={instance.stage} />
            {instance.url && (
              <a className={css.address} href={instance.url} target="_blank" rel="noreferrer">
                <IconExternalLink size={15} stroke={1.75} aria-hidden />
                <Cut text={instance.url.replace(/^https?:\/\//, "")} />
              </a>
            )}
          </Row>
        ))}
      </Panel>
    </Section>
  );
}

export function OverviewPage() {
  const workspace = useWorkspace();
  const slug = workspace.slug;
  const isOwner = workspace.may.includes("manage");
  const instances = useAllInstances(slug);
  const servers = useAllServers(slug);
  const projects = useAllProjects(slug, listsProjects(workspace));
  const jobs = useRunningJobs(slug);
  if (instances.error) return <Failed error={instances.error} home={slug} />;
  if (!instances.data) return <LoadingPage />;
  if (instances.data.length === 0 && isOwner)
    return (
      <div>
        <PageTitle
          title={projects.data?.length ? "Overview" : `Welcome to ${workspace.name}`}
          sentence="Nothing runs yet. These steps lead to an application that does."
        />
        <Steps />
      </div>
    );
  if (instances.data.length === 0)
    return (
      <div>
        <PageTitle title="Overview" />
        {projects.data?.length ? (
          <>
            <Section title="Projects">
              <Panel>
                {projects.data.map((project) => (
                  <Row key={project.id}>
                    <Go to={`/${slug}/projects/${project.slug}`} className={css.name ?? ""}>
                      {project.name}
                    </Go>
                  </Row>
                ))}
              </Panel>
            </Section>
            <p className={css.apart}>
              No instance is shared with you. An owner of {workspace.name} decides which you may see.
            </p>
          </>
        ) : projects.isLoading ? (
          <LoadingRows rows={2} />
        ) : (
          <EmptyPage title="Nothing is shared with you yet">
            An owner of {workspace.name} decides what you may see and do. Ask one. This page changes by itself.
          </EmptyPage>
        )}
      </div>
    );
  const nameOf = new Map(instances.data.map((instance) => [instance.id, instance]));
  return (
    <div>
      <PageTitle title="Overview" sentence={inWords(instances.data)} />
      <div className={`${css.grid} ${jobs.items?.length || servers.data?.length ? "" : css.alone}`}>
        <div>
          <Attention slug={slug} instances={instances.data} servers={servers.data ?? []} />
          {!isOwner && instances.data.length <= FEW && <Yours slug={slug} instances={instances.data} />}
          <LastDeployments slug={slug} instances={nameOf} />
        </div>
        <div>
          {Boolean(jobs.items?.length) && (
            <Section title="Running work" count={jobs.items?.length}>
              <Panel>
                {jobs.items?.map((job) => (
                  <Work key={job.id} slug={slug} job={job} instance={nameOf.get(job.instance ?? "")} />
                ))}
              </Panel>
            </Section>
          )}
          {Boolean(servers.data?.length) && (
            <Section title="Server load" aside={<span className={css.quiet}>now, and the last day</span>}>
              <Panel>
                {servers.data?.map((server) => (
                  <Row key={server.id}>
                    <div className={css.server}>
                      <div className={css.head}>
                        <StatusIcon status={serverState(server).status} />
                        <Go to={`/${slug}/servers/${server.slug}`} className={css.name ?? ""}>
                          {server.name}
                        </Go>
                        <span className={css.quiet}>
                          {server.instances === 1 ? "1 instance" : `${server.instances} instances`}
                        </span>
                      </div>
                      {server.machine && (
                        <Load machine={server.machine} line={<LoadLine workspace={slug} server={server.id} />} />
                      )}
                    </div>
                  </Row>
                ))}
              </Panel>
            </Section>
          )}
        </div>
      </div>
    </div>
  );
}
