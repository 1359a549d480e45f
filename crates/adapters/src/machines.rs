//! Machines: this one, through its agent; or none, where the control plane's machine isn't a server.

use std::path::PathBuf;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use stoa_agent::logs;
use stoa_agent::machine::{self, Agent, Form, Phase, Seen};
use stoa_app::Fault;
use stoa_app::ports::{
    Command, InstanceForm, InstanceOnMachine, LogLine, LogQuery, MachineFacts, MachineState, Machines, Order,
    Progress,
};
use stoa_domain::branch::CommitId;
use stoa_domain::{InstanceId, ProjectId, ReleaseId, Timestamp};

/// This machine.
pub struct LocalMachines {
    agent: Agent,
}

impl LocalMachines {
    #[must_use]
    pub fn new(agent: Agent) -> Self {
        Self { agent }
    }
}

fn order(order: Order) -> machine::Order {
    machine::Order { job: order.job, fence: order.fence }
}

fn form(form: InstanceForm) -> Form {
    Form {
        instance: form.instance,
        project: form.project,
        os_user: form.os_user,
        variables: form.variables,
        wish_running: form.wish_running,
        instance_slug: form.instance_slug,
        project_slug: form.project_slug,
        workspace_slug: form.workspace_slug,
        stage: form.stage,
        url: form.url,
        host: form.host,
    }
}

fn command(command: Command) -> machine::Command {
    match command {
        Command::Deploy { deployment, release, commit } => {
            machine::Command::Deploy { deployment, release, commit }
        }
        Command::Release { deployment, release } => machine::Command::Release { deployment, release },
        Command::Start => machine::Command::Start,
        Command::Stop => machine::Command::Stop,
        Command::Restart(mode) => machine::Command::Restart(mode),
        Command::Delete => machine::Command::Delete,
    }
}

fn progress(progress: machine::Progress) -> Progress {
    match progress {
        machine::Progress::Step { name, progress } => Progress::Step { name, progress },
        machine::Progress::Succeeded { release, size } => {
            Progress::Succeeded { release: release.map(ReleaseId::new), size }
        }
        machine::Progress::Cancelled => Progress::Cancelled,
        machine::Progress::Failed { code, sentence, quote } => Progress::Failed { code, sentence, quote },
    }
}

fn seen(seen: Seen) -> InstanceOnMachine {
    let state = match seen.phase {
        Phase::Running => MachineState::Running,
        // It is back in a moment: nothing that anybody has to know changes.
        Phase::Waiting | Phase::Starting => MachineState::Starting,
        Phase::Stopped => MachineState::Stopped,
        Phase::Failed(sentence) => MachineState::Failed { sentence },
    };
    InstanceOnMachine { instance: seen.instance, state, release: seen.release }
}

fn line(line: logs::Line) -> LogLine {
    LogLine {
        position: line.position,
        at: Timestamp::from_micros(line.at),
        stream: line.stream,
        level: None,
        text: line.text,
    }
}

impl Machines for LocalMachines {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>> {
        Box::pin(async {
            let facts = self.agent.facts();
            Ok(MachineFacts {
                version: facts.version,
                processors: facts.processors,
                processor_used: facts.processor_used,
                memory: facts.memory,
                memory_used: facts.memory_used,
                disk: facts.disk,
                disk_used: facts.disk_used,
                uptime_seconds: facts.uptime_seconds,
                no_sandbox: facts.no_sandbox,
                no_outgoing: facts.no_outgoing,
                limits_by: facts.limits_by,
            })
        })
    }

    fn put(&self, given: Order, wanted: InstanceForm) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.agent.put(order(given), form(wanted)).await.map_err(Fault::new) })
    }

    fn bring_commit(
        &self,
        _: Order,
        project: ProjectId,
        commit: CommitId,
        repository: PathBuf,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(
            async move { self.agent.bring_commit(project, &commit, repository).await.map_err(Fault::new) },
        )
    }

    fn carry_out(
        &self,
        given: Order,
        instance: InstanceId,
        wanted: Command,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Progress>, Fault>> {
        Box::pin(async move {
            let work = self.agent.carry_out(order(given), instance, command(wanted)).map_err(Fault::new)?;
            Ok(work.map(progress).boxed())
        })
    }

    fn cancel(&self, given: Order) -> BoxFuture<'_, Result<(), Fault>> {
        self.agent.cancel(given.job);
        Box::pin(async { Ok(()) })
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<InstanceOnMachine>, Fault>> {
        Box::pin(async { Ok(self.agent.instances().into_iter().map(seen).collect()) })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>> {
        Box::pin(async {
            let changes = tokio_stream::wrappers::BroadcastStream::new(self.agent.changes());
            // Who missed some begins anew: with a look at the whole.
            let changes = changes.take_while(|change| std::future::ready(change.is_ok()));
            Ok(changes.filter_map(|change| async { change.ok().map(seen) }).boxed())
        })
    }

    fn logs(
        &self,
        instance: InstanceId,
        query: LogQuery,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<LogLine, Fault>>, Fault>> {
        Box::pin(async move {
            let folder = self.agent.log_folder(instance, query.deployment);
            let query = logs::Query {
                text: query.query,
                since: query.since.map(Timestamp::micros),
                until: query.until.map(Timestamp::micros),
                after: query.after,
                limit: query.limit,
                follow: query.follow,
            };
            Ok(logs::read(folder, query).map(|found| found.map(line).map_err(Fault::new)).boxed())
        })
    }
}

/// No machine: where the control plane's own isn't a server and no other has joined.
pub struct NoMachines;

fn none() -> Fault {
    Fault::new("no machine is attached to this control plane")
}

impl Machines for NoMachines {
    fn facts(&self) -> BoxFuture<'_, Result<MachineFacts, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn put(&self, _: Order, _: InstanceForm) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn bring_commit(
        &self,
        _: Order,
        _: ProjectId,
        _: CommitId,
        _: PathBuf,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn carry_out(
        &self,
        _: Order,
        _: InstanceId,
        _: Command,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Progress>, Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn cancel(&self, _: Order) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { Err(none()) })
    }

    fn instances(&self) -> BoxFuture<'_, Result<Vec<InstanceOnMachine>, Fault>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, InstanceOnMachine>, Fault>> {
        Box::pin(async { Ok(futures_util::stream::pending().boxed()) })
    }

    fn logs(
        &self,
        _: InstanceId,
        _: LogQuery,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<LogLine, Fault>>, Fault>> {
        Box::pin(async { Err(none()) })
    }
}
