import { Button } from "@mantine/core";
import { IconCheck, IconFileCheck, IconGitBranch, IconRocket, IconTerminal2 } from "@tabler/icons-react";
import { useState } from "react";
import { useAllInstances, useAllProjects, useAllServers } from "@/api/queries";
import { ExampleRows, foremost, isNamedAs } from "@/features/examples";
import { NewProjectDialog } from "@/features/projects";
import { useWorkspace } from "@/frame/useWorkspace";
import { Failed, Forbidden, Go, LoadingPage, later, Note, useTitle, WorkspaceLogo } from "@/kit";
import css from "./firstStart.module.css";
import { Progress } from "./Progress";
import { usePrepare } from "./usePrepare";

const ConnectForm = later(async () => (await import("@/features/projects/repository")).ConnectForm);
const RemoteKey = later(async () => (await import("@/features/projects/repository")).RemoteKey);

const EXAMPLES = ["guestbook", "shop", "notes", "site"] as const;

/** The way from a fresh workspace to an application that runs: an example, or one's own. */
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
  // What an example became stands beside the example.
  const isOfExample = (project: (typeof projects.data)[number]) =>
    project.repository.kind === "hosted" &&
    project.instances > 0 &&
    EXAMPLES.some((key) => isNamedAs(key, project.slug));
  const others = projects.data.filter((project) => !isOfExample(project));
  const own = others.find(({ repository }) => repository.kind === "hosted");
  const remote = others.find(({ repository }) => repository.kind === "remote");
  const server = servers.data.find(({ is_local }) => is_local) ?? servers.data[0];
  const of = (project: typeof own) => foremost(instances.data.filter((one) => one.project.id === project?.id));
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
          <section className={`${css.card} ${css.quickest}`} aria-label="Deploy an example">
            <div className={css.cardHead}>
              <span className={`${css.tile} ${css.tinted}`}>
                <IconRocket size={19} stroke={1.75} aria-hidden />
              </span>
              <span className={css.tag}>One click</span>
            </div>
            <h2>Deploy an example</h2>
            <p>Real ones, and small. A tick: the server has what it needs. Look around, break it, push again.</p>
            <div className={css.examples}>
              <ExampleRows workspace={slug} server={server} />
            </div>
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
            Stoa recognises Django, Flask, Node, static files, Odoo and a <code>Procfile</code>; <code>stoa.toml</code>{" "}
            says the rest.
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
