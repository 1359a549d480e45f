import { Button } from "@mantine/core";
import {
  IconCheck,
  IconDatabase,
  IconFileCheck,
  IconFileText,
  IconGitBranch,
  IconRocket,
  IconTerminal2,
  IconWorld,
} from "@tabler/icons-react";
import { useState } from "react";
import { useAllInstances, useAllProjects, useAllServers } from "@/api/queries";
import { NewProjectDialog } from "@/features/projects";
import { useWorkspace } from "@/frame/useWorkspace";
import { Failed, Forbidden, Go, LoadingPage, later, Note, useTitle, WorkspaceLogo } from "@/kit";
import css from "./firstStart.module.css";
import { Progress } from "./Progress";
import { EXAMPLE, usePrepare } from "./usePrepare";

const ConnectForm = later(async () => (await import("@/features/projects/repository")).ConnectForm);
const RemoteKey = later(async () => (await import("@/features/projects/repository")).RemoteKey);

/** The way from a fresh workspace to an application that runs: the example, or one's own. */
export function FirstStartPage() {
  const workspace = useWorkspace();
  const { slug } = workspace;
  const mayManage = workspace.may.includes("manage");
  useTitle("First application");
  const servers = useAllServers(slug);
  const projects = useAllProjects(slug, mayManage);
  const instances = useAllInstances(slug);
  const [isNaming, setNaming] = useState(false);
  const prepare = usePrepare(slug, servers.data);
  if (!mayManage) return <Forbidden what="set up the workspace" back={{ name: "the overview", to: `/${slug}` }} />;
  const error = servers.error ?? projects.error ?? instances.error;
  if (error) return <Failed error={error} home={slug} />;
  if (!servers.data || !projects.data || !instances.data) return <LoadingPage />;
  const example = projects.data.find((project) => project.slug === EXAMPLE);
  const others = projects.data.filter((project) => project.slug !== EXAMPLE);
  const own = others.find(({ repository }) => repository.kind === "hosted");
  const remote = others.find(({ repository }) => repository.kind === "remote");
  const server = servers.data.find(({ is_local }) => is_local) ?? servers.data[0];
  const of = (project: typeof own) => instances.data.find((instance) => instance.project.id === project?.id);
  const begin = async () => {
    if (await prepare.server()) setNaming(true);
  };
  return (
    <div className={css.page}>
      <header className={css.head}>
        <span className={css.brand}>
          <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={26} />
          <span title={workspace.name}>{workspace.name}</span>
        </span>
        <ol className={css.way} aria-label="Steps">
          <Step word="Administrator" isDone />
          <Step word="Workspace" isDone />
          <Step
            word="First application"
            number={3}
            isDone={instances.data.some(({ status }) => status === "running")}
          />
        </ol>
        <Go className={css.skip ?? ""} to={`/${slug}`}>
          {instances.data.length > 0 ? "To the overview" : "Skip for now"}
        </Go>
      </header>
      <main id="main" tabIndex={-1} className={css.main}>
        <h1>Put your first application online</h1>
        <p className={css.lead}>
          {server ? (
            <>
              It will run on <strong>{server.name}</strong>
              {server.is_local ? ", the machine that Stoa stands on." : "."}
            </>
          ) : (
            "It will run on the machine that Stoa stands on."
          )}
        </p>
        {prepare.problem && (
          <div className={css.problem}>
            <Note tone="bad">{prepare.problem.detail}</Note>
          </div>
        )}
        <div className={css.ways}>
          <section className={`${css.card} ${css.quickest}`} aria-label="Deploy the example">
            <div className={css.cardHead}>
              <span className={`${css.tile} ${css.tinted}`}>
                <IconRocket size={19} stroke={1.75} aria-hidden />
              </span>
              <span className={css.tag}>About two minutes</span>
            </div>
            <h2>Deploy the example</h2>
            <p>A small guest book that comes with Stoa. Look around, break it, push again.</p>
            {example ? (
              <Progress slug={slug} project={example} server={server} instance={of(example)} isExample />
            ) : (
              <>
                <ul className={css.facts}>
                  <li>
                    <IconFileText size={16} stroke={1.75} aria-hidden /> Python, its standard library alone
                  </li>
                  <li>
                    <IconDatabase size={16} stroke={1.75} aria-hidden /> SQLite, kept between deployments
                  </li>
                  <li>
                    <IconWorld size={16} stroke={1.75} aria-hidden /> An address of its own
                  </li>
                </ul>
                <Button
                  className={css.act ?? ""}
                  variant="filled"
                  data-size="lg"
                  leftSection={<IconRocket size={17} stroke={1.75} aria-hidden />}
                  loading={prepare.isPending}
                  onClick={() => void prepare.example()}
                >
                  Begin with the example
                </Button>
              </>
            )}
          </section>
          <section className={css.card} aria-label="Push from your computer">
            <div className={css.cardHead}>
              <span className={css.tile}>
                <IconTerminal2 size={19} stroke={1.75} aria-hidden />
              </span>
            </div>
            <h2>Push from your computer</h2>
            <p>An application of yours. Stoa hosts the repository; pushing to it deploys it.</p>
            {own ? (
              <Progress slug={slug} project={own} server={server} instance={of(own)} />
            ) : (
              <Button className={css.act ?? ""} data-size="lg" loading={prepare.isPending} onClick={() => void begin()}>
                Make a repository for it
              </Button>
            )}
          </section>
          <section className={css.card} aria-label="Connect a repository">
            <div className={css.cardHead}>
              <span className={css.tile}>
                <IconGitBranch size={19} stroke={1.75} aria-hidden />
              </span>
            </div>
            <h2>Connect a repository</h2>
            <p>One that already lives elsewhere, over HTTPS or SSH.</p>
            {!remote ? (
              <ConnectForm workspace={slug} prepare={prepare.server} />
            ) : remote.repository.has_commits ? (
              <Progress slug={slug} project={remote} server={server} instance={of(remote)} />
            ) : (
              <RemoteKey workspace={slug} project={remote} />
            )}
          </section>
        </div>
        <p className={css.below}>
          <IconFileCheck size={16} stroke={1.75} aria-hidden />
          <span>
            A <code>stoa.toml</code> or a <code>Procfile</code> in the repository says how an application is run.
          </span>
        </p>
      </main>
      {isNaming && <NewProjectDialog workspace={slug} onClose={() => setNaming(false)} stays />}
    </div>
  );
}

function Step({ word, number, isDone }: { word: string; number?: number; isDone: boolean }) {
  return (
    <li className={isDone ? css.stepDone : css.stepNow} aria-current={isDone ? undefined : "step"}>
      <span className={css.mark}>{isDone ? <IconCheck size={12} stroke={2.5} aria-label="Done:" /> : number}</span>
      <span>{word}</span>
    </li>
  );
}
